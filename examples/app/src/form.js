// Forms: messages beside the fields they are about, one submission at a time.

/** What is wrong with one field, named as in the form. */
export class FieldError extends Error {
  constructor(field, message) {
    super(message);
    this.field = field;
  }
}

/** Has `send(values)` done when the form is submitted and its fields are filled in as they say. */
export function onSubmit(form, send) {
  const alert = form.querySelector('[role=alert]');
  const fields = [...form.querySelectorAll('input, textarea, select')];
  let isBusy = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (isBusy) return;
    alert.textContent = '';
    const wrong = fields.filter((field) => mark(field, problemOf(field)));
    if (wrong.length > 0) return wrong[0].focus();
    isBusy = true;
    form.setAttribute('aria-busy', 'true');
    try {
      await send(Object.fromEntries(fields.map((field) => [field.name, valueOf(field)])));
    } catch (error) {
      const field = error instanceof FieldError && fields.find(({ name }) => name === error.field);
      if (field) {
        mark(field, error.message);
        field.focus();
      } else {
        alert.textContent = error.message;
      }
    } finally {
      isBusy = false;
      form.removeAttribute('aria-busy');
    }
  });
  // A message goes as soon as it is no longer true.
  form.addEventListener('input', ({ target }) => {
    if (target.getAttribute('aria-invalid') && !problemOf(target)) mark(target, '');
  });
}

const valueOf = (field) => (field.type === 'checkbox' ? field.checked : field.value);

function problemOf(field) {
  if (field.required && field.value.trim() === '') return field.dataset.missing;
  if (field.validity.typeMismatch) return 'Enter an email address, like ada@example.com.';
  if (field.value.length < field.minLength) return `Use at least ${field.minLength} characters.`;
  return '';
}

/** Shows the problem of a field, or takes the message away; returns whether there is one. */
function mark(field, problem) {
  const error = field.closest('.field')?.querySelector('.error');
  if (!error) return false;
  error.textContent = problem;
  if (problem) field.setAttribute('aria-invalid', 'true');
  else field.removeAttribute('aria-invalid');
  return problem !== '';
}
