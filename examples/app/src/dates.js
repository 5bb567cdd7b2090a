// Dates as the reader's language writes them.

const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export const dateText = (date) => format.format(new Date(date));

/** Fills a <time> element. */
export function showTime(element, date) {
  element.dateTime = new Date(date).toISOString();
  element.textContent = dateText(date);
}
