// Finding documents: by what a clerk knows, the newest in its state first, a page at a time.

import { get } from '../api.js';
import { action, field, fill, h, problem, table } from '../dom.js';
import { stateWords, time } from '../format.js';
import { go } from '../main.js';
import { columns, empty } from './parts.js';

const STATES = ['RECEIVED', 'MAPPED', 'CLAIMED', 'IN_DOUBT', 'HELD', 'REJECTED', 'DELIVERED', 'PICKED_UP', 'SKIPPED', 'CANCELLED'];
const TYPES = [['order', 'Orders'], ['shipment', 'Shipment advices'], ['invoice', 'Invoices'], ['asn', 'Shipments (ASN)'], ['bill', 'Bills'], ['ack', 'Acknowledgements'], ['credit', 'Credit notes'], ['close_out', 'Close-outs of bills'], ['notice', 'Notices'], ['file', 'Unreadable files']];

export default async function documents(into, { given, connection }) {
  const query = { ...given, connection, since: instant(given.since, '00:00:00'), until: instant(given.until, '23:59:59') };
  let refused = null; // what is wrong with a search is told beside it
  const [first, { partners }] = await Promise.all([
    get('documents', query).catch((error) => {
      if (error.status !== 400) throw error;
      refused = error;
      return { documents: [] };
    }), get('partners', { connection })]);
  const names = Object.fromEntries(partners.map((one) => [one.id, one]));
  const rows = [...first.documents];
  let { cursor, looked_until: until } = first;
  const list = h('div');
  const draw = () => fill(list,
    rows.length ? table(columns(names), rows, { caption: 'Documents', stack: true })
      : empty(until ? `Nothing since ${time(until)}.` : Object.keys(given).length ? 'No document matches.' : 'No document yet. They appear here as soon as SPS or FreshBooks has one.'),
    h('p.gap.row', null, h('span.quiet.small', { role: 'status' }, rows.length ? `${rows.length} shown` : ''),
      cursor ? action(until ? 'Look further back' : 'More', async () => {
        const more = await get('documents', { ...query, cursor });
        rows.push(...more.documents);
        ({ cursor, looked_until: until } = more);
        draw();
      }) : null));
  if (refused) fill(list, problem(refused));
  else draw();
  fill(into, h('h1', null, 'Documents'), filters(given, partners, [...new Set(rows.map((one) => one.reason.code).filter(Boolean))]), h('section.box', null, list));
}

/** A moment of a day in the viewer's zone, as the ledger writes it. */
const instant = (day, clock) => {
  const moment = new Date(`${day}T${clock}`);
  return Number.isNaN(moment.getTime()) ? day : moment.toISOString().slice(0, 19);
};

function filters(given, partners, codes) {
  const choice = (name, options) => {
    const select = h('select', { name }, options.map(([value, words]) => h('option', { value }, words)));
    select.value = given[name] ?? '';
    return select;
  };
  const input = (name, props = {}) => h('input', { name, value: given[name] ?? '', ...props });
  const text = field('PO, invoice number, file or reason', input('text', { type: 'search', placeholder: '4500012345' }));
  text.classList.add('wide');
  const form = h('form.filters', { role: 'search', onsubmit: (event) => {
    event.preventDefault();
    go('documents', Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]).filter(([, value]) => value)));
  } }, text,
  field('State', choice('state', [['', 'Any'], ['person', 'Needs a person'], ['open', 'On its way or held'], ['done', 'Delivered or picked up'], ...STATES.map((state) => [state, stateWords(state)])])),
  field('Partner', choice('partner', [['', 'Any'], ...partners.map((one) => [one.id, one.name || one.id])])),
  field('Kind', choice('type', [['', 'Any'], ...TYPES])),
  field('In its state from', input('since', { type: 'date' })),
  field('In its state until', input('until', { type: 'date' })),
  field('Amount from', input('least', { inputmode: 'decimal' })),
  field('Amount to', input('most', { inputmode: 'decimal' })),
  field('Reason code', input('code', { placeholder: 'price_differs', list: 'codes' })), h('datalist', { id: 'codes' }, codes.map((value) => h('option', { value }))),
  h('div.field.row.close', null, h('button.primary', { type: 'submit' }, 'Search'), h('a.button', { href: '#/documents' }, 'Clear')));
  const narrow = matchMedia('(max-width: 40rem)').matches;
  const set = Object.keys(given).length;
  return h('section.box', { 'aria-label': 'Search' }, h('details', { open: !narrow }, h('summary', null, h('strong', null, 'Search and filter'), set ? ` (${set} set)` : ''), h('div.gap', null, form)));
}
