// Signing in: OAuth's authorization code with PKCE at Cognito's pages. Tokens live in this tab only.

const KEYS = ['token', 'refresh', 'until'];
let config;

export async function ready() {
  config = await (await fetch('config.json')).json();
}

const here = () => `${location.origin}${location.pathname}`;
const text = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
const random = () => text(crypto.getRandomValues(new Uint8Array(32)));

export const signedIn = () => Boolean(sessionStorage.getItem('token'));
export const token = () => sessionStorage.getItem('token');

/** Off to the sign-in page; comes back to the place of now. */
export async function signIn() {
  const verifier = random();
  const state = random();
  sessionStorage.setItem('verifier', verifier);
  sessionStorage.setItem('state', state);
  sessionStorage.setItem('place', location.hash);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  const query = new URLSearchParams({
    response_type: 'code', client_id: config.client, redirect_uri: here(), scope: 'openid', state,
    code_challenge: text(new Uint8Array(digest)), code_challenge_method: 'S256',
  });
  location.assign(`${config.login}/oauth2/authorize?${query}`);
}

/** Finish what `signIn` began, if the address says that we are coming back. Throws with words for the person. */
export async function finish() {
  const query = new URLSearchParams(location.search);
  if (!query.has('code') && !query.has('error')) return;
  const expected = sessionStorage.getItem('state');
  const verifier = sessionStorage.getItem('verifier');
  const place = sessionStorage.getItem('place') || '';
  for (const name of ['state', 'verifier', 'place']) sessionStorage.removeItem(name);
  history.replaceState(null, '', `${here()}${place}`);
  if (query.has('error')) throw new Error(`Signing in did not work: ${query.get('error')}`);
  if (!expected || query.get('state') !== expected) throw new Error('This sign-in was not begun in this tab. Try again');
  await exchange({ grant_type: 'authorization_code', code: query.get('code'), redirect_uri: here(), code_verifier: verifier });
}

async function exchange(grant) {
  const answer = await fetch(`${config.login}/oauth2/token`, {
    method: 'POST', body: new URLSearchParams({ ...grant, client_id: config.client }),
  });
  if (!answer.ok) throw new Error('Signing in did not work. Try again');
  const told = await answer.json();
  sessionStorage.setItem('token', told.access_token);
  if (told.refresh_token) sessionStorage.setItem('refresh', told.refresh_token);
}

/** A new token for one that is over; whether that worked. */
export async function renew() {
  const refresh = sessionStorage.getItem('refresh');
  if (!refresh) return false;
  try {
    await exchange({ grant_type: 'refresh_token', refresh_token: refresh });
    return true;
  } catch {
    return false;
  }
}

export function forget() {
  for (const name of KEYS) sessionStorage.removeItem(name);
}

export async function signOut() {
  const refresh = sessionStorage.getItem('refresh');
  sessionStorage.clear();
  if (refresh) {
    await fetch(`${config.login}/oauth2/revoke`, {
      method: 'POST', body: new URLSearchParams({ token: refresh, client_id: config.client }),
    }).catch(() => {});
  }
  location.assign(`${config.login}/logout?${new URLSearchParams({ client_id: config.client, logout_uri: here() })}`);
}
