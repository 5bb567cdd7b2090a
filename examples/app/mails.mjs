// FOR THE DEMO ONLY: a mail worker that sends nothing, and shows all mails to everybody. Whoever can read a mail can
// take its recipient's account over. A worker that sends: ../http-layer/mail-worker.mjs.

const KEPT = 50;

/** Answers with the latest mails as JSON, newest first. What waits in the outbox is taken when somebody asks. */
export function showMails(pool) {
  const mails = [];
  return async (request, response) => {
    try {
      const { rows } = await pool.query('SELECT * FROM better_auth.claim_mail($1)', [KEPT]);
      for (const { id, kind, recipient, url, token, created_at: at } of rows) {
        mails.unshift({ id, kind, recipient, url: url || token, at }); // a code has no link
        await pool.query('SELECT better_auth.complete_mail($1)', [id]);
      }
      mails.splice(KEPT);
      response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(JSON.stringify(mails));
    } catch (error) {
      console.error(`mails: ${error.code ?? error.message}`);
      response.writeHead(503).end();
    }
  };
}
