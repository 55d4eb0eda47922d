// The shell: signing in, the header, and the view that the address names.

import { get } from './api.js';
import { fill, h, problem } from './dom.js';
import { finish, ready, signedIn, signIn, signOut } from './login.js';
import connect from './views/connect.js';
import document_ from './views/document.js';
import documents from './views/documents.js';
import overview from './views/overview.js';
import partners from './views/partners.js';
import queues from './views/queues.js';
import reconcile from './views/reconcile.js';
import reports from './views/reports.js';
import shipments from './views/shipments.js';

// address: [name in the menu, view]
const VIEWS = {
  '': ['Overview', overview],
  documents: ['Documents', documents],
  document: [null, document_],
  shipments: ['Shipments', shipments],
  partners: ['Partners', partners],
  reports: ['Reports', reports],
  queues: ['Queues', queues],
  reconcile: ['Reconcile', reconcile],
  connect: ['Connect', connect],
};
const main = document.getElementById('main');
const header = document.getElementById('header');
let me;

/** The address as view and parameters: `#/documents?state=person`. */
function place() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  return [path, Object.fromEntries(new URLSearchParams(query))];
}

function address(path, given) {
  const query = new URLSearchParams(Object.entries(given).filter(([, value]) => value !== undefined));
  return `#/${path}${query.size ? `?${query}` : ''}`;
}

export function go(path, given = {}) {
  location.hash = address(path, given);
}

const known = (id) => me.connections.some((one) => one.id === id);

/** The connection of this tab: the one that an address names, else the one looked at last. */
function connection(named) {
  if (known(named)) keep(named);
  return [sessionStorage, localStorage].map((kept) => kept.getItem('connection')).find(known) ?? me.connections[0]?.id ?? '';
}

function keep(id) {
  for (const kept of [sessionStorage, localStorage]) kept.setItem('connection', id);
}

function showHeader(path, given, chosen) {
  const choice = h('select', { 'aria-label': 'Connection', onchange: (event) => {
    go(path === 'document' ? '' : path, { ...(given.id ? {} : given), connection: event.target.value });
  } }, me.connections.map((one) => h('option', { value: one.id }, one.name || one.id)));
  choice.value = chosen;
  fill(header, h('div.bar', null,
    h('a.brand', { href: '#/', 'aria-label': 'Connector' }, h('img', { src: 'icon.svg', alt: '' }), h('span', null, 'Connector')),
    h('nav', { 'aria-label': 'Main' }, h('ul', null, Object.entries(VIEWS).filter(([, [name]]) => name).map(([to, [name]]) =>
      h('li', null, h('a', { href: `#/${to}`, 'aria-current': to === (path === 'document' ? 'documents' : path) ? 'page' : null }, name))))),
    h('div.who', null, me.connections.length > 1 ? choice : null,
      h('span.small.quiet.name', null, me.name + (me.operator || me.name === 'viewer' ? '' : ' (viewer)')),
      h('button', { type: 'button', onclick: signOut }, 'Sign out'))));
  header.querySelector('[aria-current]')?.scrollIntoView({ inline: 'center', block: 'nearest' });
}

let shown = 0;
let at = 0;
async function show() {
  const mine = ++shown;
  at = Date.now();
  const [path, given] = place();
  const [name, view] = VIEWS[path] ?? [];
  if (!signedIn()) return welcome();
  const { connection: named, authorized, refused, ...rest } = given;
  const asked = named ?? authorized;
  try {
    if (!me || (asked && !known(asked))) me = await get('me'); // it may have been added since
  } catch (error) {
    if (signedIn()) {
      fill(header);
      fill(main, h('div.center', null, problem(error), h('button', { type: 'button', onclick: signOut }, 'Sign out')));
    }
    return undefined;
  }
  if (asked && !known(asked)) return noSuchConnection(asked, path, rest);
  const chosen = connection(asked ?? given.id?.split('/')[0]);
  // an address can be sent to somebody, and news is told once
  const isNamed = me.connections.length > 1 && !given.id;
  history.replaceState(null, '', address(path, { connection: isNamed ? chosen : undefined, ...rest }));
  showHeader(path, rest, chosen);
  if (!view) return fill(main, h('h1', null, 'There is no such page'), h('a', { href: '#/' }, 'To the overview'));
  document.title = `${name ?? 'Document'} · Connector`;
  fill(main, h('p.quiet', { role: 'status' }, 'Loading…'));
  main.setAttribute('aria-busy', 'true');
  const into = h('div');
  try {
    if (!me.connections.length && path !== 'connect') fill(into, nothingYet());
    else await view(into, { given: rest, news: { authorized, refused }, me, connection: chosen, again: show });
  } catch (error) {
    if (!signedIn()) return undefined; // the way to sign in is shown already
    fill(into, problem(error), h('button', { type: 'button', onclick: show }, 'Try again'));
  }
  if (mine === shown) {
    fill(main, into);
    main.removeAttribute('aria-busy');
    scrollTo(0, 0);
  }
  return undefined;
}

/** Another connection in its place would have somebody act on the wrong one. */
function noSuchConnection(id, path, given) {
  showHeader(path, given, '');
  document.title = 'No such connection · Connector';
  main.removeAttribute('aria-busy');
  fill(main, h('h1', null, `There is no connection ${id}`),
    h('p', null, 'It was removed, or the address is mistyped.', me.connections.length ? ' There are:' : ''),
    h('ul', null, me.connections.map((one) => h('li', null, h('a', { href: address('', { connection: one.id }) }, one.name || one.id)))));
}

const nothingYet = () => h('section.box', null, h('h1', null, 'No connection yet'),
  h('p', null, 'A connection pairs one FreshBooks business with one SPS Commerce account.'),
  h('a.button', { href: '#/connect' }, 'How to connect'));

function welcome(error) {
  me = undefined;
  main.removeAttribute('aria-busy');
  fill(header);
  document.title = 'Sign in · Connector';
  const { authorized } = place()[1]; // whoever allows the connection in FreshBooks may not use this console
  return fill(main, h('div.center', null, h('img', { src: 'icon.svg', alt: '', width: 64, height: 64 }),
    h('h1', null, 'FreshBooks ↔ SPS Commerce'),
    authorized ? h('p.note.good', null, 'FreshBooks is authorized: thank you. You may close this page.') : null,
    error ? problem(error) : h('p.quiet', null, 'See where every order and invoice is, and mend what is stuck.'),
    h('button.primary', { type: 'button', onclick: signIn }, 'Sign in')));
}

addEventListener('hashchange', async () => { await show(); main.focus({ preventScroll: true }); });
// whoever comes back to the tab sees the figures of now
document.addEventListener('visibilitychange', () => {
  const figures = ['', 'queues'].includes(place()[0]);
  if (!document.hidden && figures && signedIn() && Date.now() - at > 60_000) show();
});
addEventListener('signed-out', () => welcome(new Error('Your session is over; sign in again')));
try {
  await ready();
  await finish();
  await show();
} catch (error) {
  welcome(error);
}
