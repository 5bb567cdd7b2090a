// For mails of the application's own; those of Better Auth's flows are sent by the mail worker.
import { createClient } from '@insforge/sdk';
import { mailToken } from './better-auth';

export async function serverMailer() {
  return createClient({ baseUrl: process.env.NEXT_PUBLIC_INSFORGE_BASE_URL, edgeFunctionToken: await mailToken() });
}
