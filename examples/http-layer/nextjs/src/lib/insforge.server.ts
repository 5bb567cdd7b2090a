// InsForge for server components and actions, as the user who is signed in.
import { createClient } from '@insforge/sdk';
import { headers } from 'next/headers';
import { bridgeToken } from './better-auth';

/** A client with the user's rights, or null when nobody is signed in. */
export async function createInsForgeClient() {
  const token = await bridgeToken(await headers());
  if (!token) return null;
  return createClient({ baseUrl: process.env.NEXT_PUBLIC_INSFORGE_BASE_URL, edgeFunctionToken: token });
}
