// The console's JSON routes. An error carries what the server says: message, code, place, fix.

import { forget, renew, token } from './login.js';

export class Refused extends Error {
  constructor(status, told) {
    super(told.error ?? told.message ?? `the server answered ${status}`);
    Object.assign(this, { status, code: told.code ?? '', place: told.place ?? '', fix: told.fix ?? '' });
  }
}

async function ask(method, route, body) {
  const send = () => fetch(`api/${route}`, {
    method,
    headers: { authorization: `Bearer ${token()}`, ...(body ? { 'content-type': 'application/json' } : {}) },
    body: body ? JSON.stringify(body) : undefined,
  });
  let answer;
  try {
    answer = await send();
    if (answer.status === 401 && (await renew())) answer = await send();
  } catch {
    throw new Refused(0, { error: 'The connector cannot be reached', fix: 'check your network and try again' });
  }
  const told = await answer.json().catch(() => ({}));
  if (answer.status === 401) {
    forget();
    dispatchEvent(new Event('signed-out'));
  }
  if (!answer.ok) throw new Refused(answer.status, told);
  return told;
}

const query = (given) => new URLSearchParams(Object.entries(given ?? {}).filter(([, value]) => value !== '' && value != null));
export const get = (route, given) => ask('GET', given ? `${route}?${query(given)}` : route);
export const post = (route, body) => ask('POST', route, body ?? {});
export const put = (route, body) => ask('PUT', route, body);
