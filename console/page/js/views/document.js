// One document: where it is, why, what came and what went, and what can be done about it.

import { get, post } from '../api.js';
import { action, complain, dialog, field, fill, h, problem, prose, save, table, toast } from '../dom.js';
import { ball, count, day, kind, link, money, precise, stateTone, stateWords, time } from '../format.js';
import { badge, empty, state } from './parts.js';
import { tree } from './tree.js';

export default async function document_(into, { given, me, again }) {
  const { id } = given;
  const told = await get('document', { id });
  document.title = `${kind(told.type)} ${told.number} · Connector`;
  const can = (name) => told.actions.includes(name);
  fill(into,
    h('p.small', null, h('a', { href: '#/documents' }, 'Documents'), ' / ',
      told.partner_name ? h('a', { href: `#/partners?partner=${encodeURIComponent(told.partner)}` }, told.partner_name) : told.partner),
    h('h1', null, `${kind(told.type)} ${told.number}`),
    h('p.row', null, state(told), h('strong', null, ball(told)), told.amount ? h('span', null, money(told.amount, told.currency)) : null,
      told.revision > 1 ? badge(`Revision ${told.revision}`) : null,
      told.duplicates ? badge(`${told.duplicates} ${told.duplicates === 1 ? 'repeat' : 'repeats'} absorbed`) : null),
    told.history_broken_at ? h('div.note.bad', { role: 'alert' }, `The history was changed at line ${told.history_broken_at}: it is not what the connector wrote.`) : null,
    why(told),
    h('div.row', { role: 'group', 'aria-label': 'Actions' },
      action('Preview', () => preview(told, again), { primary: can('replay') }),
      can('replay') ? action('Replay', async () => { await post('document/replay', { id }); toast('It goes through its mapping again.'); setTimeout(again, 1500); }) : null,
      can('alias') ? action('Say which article…', () => teach(told, again)) : null,
      can('accept') ? action('Accept by force…', () => withReason('Accept by force', 'It goes on past what stopped it. Why?',
        (reason) => post('document/replay', { id, reason, force: true }), again)) : null,
      can('force') ? action('Send again…', () => withReason('Send again', 'It is sent as a new revision, so that the partner sees a replacement. Why?',
        (reason) => post('document/replay', { id, reason, force: true }), again)) : null,
      can('hold') ? action('Hold…', () => withReason('Hold back', 'Why is it held?', (reason) => post('document/hold', { id, reason }), again)) : null,
      can('acknowledge') ? action('Acknowledge…', () => acknowledge(told, again)) : null,
      can('resolve') ? action('Mark resolved…', () => withReason('Mark resolved', 'How was it dealt with?', (reason) => post('document/resolve', { id, reason }), again)) : null,
      me.operator && told.chain[0]?.type === 'order' ? action('Evidence (zip)', () => evidence(id), { title: 'All that was received, sent and answered about the order, for a dispute' }) : null),
    h('section.box.gap', null, h('h2', null, 'What belongs together'), chain(told)),
    told.findings.length ? h('section.box', null, h('h2', null, 'What the checks noticed'), findings(told.findings)) : null,
    h('div.two', null,
      h('section.box', null, h('h2', null, 'What happened'), timeline(told.history)),
      h('section.box', null, h('h2', null, 'Details'), details(told), quantities(told))),
    payloads(id), origins(id), comparison(told));
}

function why(told) {
  if (!told.reason.code) return null;
  const fix = told.reason.fix || told.meaning?.fix;
  return h(told.state === 'REJECTED' ? 'div.note.bad' : 'div.note', null,
    h('p', null, h('strong', null, told.reason.message)),
    told.reason.place ? h('p.mono', null, told.reason.place) : null,
    told.meaning ? h('p.small', null, `Usual cause: ${told.meaning.cause}.`) : null,
    fix ? h('p', null, 'What to do: ', prose(fix), '. ',
      ['shadow_mode', 'partner_not_set_up'].includes(told.reason.code) || told.reason.place?.includes('pack')
        ? h('a', { href: '#/partners' }, 'Partners') : null) : null,
    told.actions.includes('alias') ? h('p', null, 'Or choose “Say which article…” below: it is remembered, and the document goes on.') : null,
    h('p.small.quiet.mono', null, told.reason.code));
}

const chain = (told) => told.chain.length > 1 || told.chain[0]?.id !== told.id
  ? h('ul.chain', null, told.chain.map((one) => h(one.id === told.id ? 'li.here' : 'li', { 'aria-current': one.id === told.id ? 'true' : null },
    one.id && one.id !== told.id ? h('a', { href: link(one.id) }, `${kind(one.type)} ${one.number}`) : h('strong', null, `${kind(one.type)} ${one.number}`),
    h('br'), one.state ? badge(stateWords(one.state), stateTone(one.state)) : h('span.small.quiet', null, `no. ${one.remote_id}`),
    one.amount ? h('div.small', null, money(one.amount, one.currency)) : null)))
  : empty('Nothing else is known to belong to it.');

const findings = (all) => table([
  ['', (one) => badge(one.severity, { error: 'bad', warning: 'warn' }[one.severity] ?? '')],
  ['What', (one) => one.message], ['Where', (one) => h('span.mono', null, one.place ?? '')], ['What to do', (one) => one.fix ?? ''],
], all, { caption: 'Findings', stack: true });

const timeline = (history) => h('ol.timeline', null, history.map((event) => h('li', { class: stateTone(event.to_state) || null },
  h('div', null, h('strong', null, event.what), moved(event),
    event.attempt > 1 ? h('span.quiet', null, ` (attempt ${event.attempt})`) : null),
  event.note ? h('div.small', null, event.means || (/^[a-z_]+$/.test(event.note) ? event.note.replaceAll('_', ' ') : event.note)) : null,
  h('div.small.quiet', null, h('time', { datetime: event.at, title: event.at }, precise(event.at)), ` · ${by(event.who)}`))));

/** A person as `console/NAME`; a function of ours as what it is. */
const by = (who) => (/^[a-z_]+$/.test(who) ? `the connector (${who})` : who);

function moved(event) {
  const words = stateWords(event.to_state).toLowerCase();
  return event.from_state && event.from_state !== event.to_state && words !== event.what ? ` → ${words}` : '';
}

const details = (told) => h('dl', null, Object.entries({
  'Last change': time(told.updated), 'Document date': day(told.date), 'Came as': told.source, 'At the target': told.reference,
  'Number there': told.remote_id === told.reference ? '' : told.remote_id, 'Waits for': told.waits_for, Attempts: told.attempts || '', Id: h('span.mono', null, told.id),
}).filter(([, value]) => value).flatMap(([name, value]) => [h('dt', null, name), h('dd', null, value)]));

const quantities = (told) => (told.open.length ? [h('h3', null, 'Quantities'), table([
  ['Item', (one) => [one.item || '–', one.text ? h('div.small.quiet', null, one.text) : null]], ['Line', (one) => one.line],
  ...['ordered', 'acknowledged', 'shipped', 'invoiced', 'credited', 'open'].map((name) =>
    [name[0].toUpperCase() + name.slice(1), (one) => (one[name] === '0' && ['acknowledged', 'credited'].includes(name) ? '' : one[name]), 'number']),
], told.open, { caption: 'What was ordered, shipped and invoiced, line by line', stack: true })] : null);

const STAGES = [['received', 'As received'], ['mapped', 'As mapped'], ['sent', 'As sent'], ['answered', 'As answered']];

/** Loaded when it is opened: payloads can be large. */
function later(title, load) {
  const body = h('div', { 'aria-busy': 'true' }, h('p.quiet', null, 'Loading…'));
  let loaded = false;
  return h('section.box.gap', null, h('details', { ontoggle: async () => {
    if (loaded) return;
    loaded = true;
    try {
      fill(body, await load());
    } catch (error) {
      loaded = false;
      fill(body, problem(error));
    }
    body.removeAttribute('aria-busy');
  } }, h('summary', null, h('strong', null, title)), h('div.gap', null, body)));
}

const payloads = (id) => later('Payloads: received, mapped, sent, answered', async () => {
  const { stages, redacted } = await get('document/payloads', { id });
  const there = STAGES.filter(([name]) => name in stages);
  return [redacted ? h('p.small.quiet', null, 'Names and addresses are hidden from viewers.') : null,
    there.length ? h('div.panes', null, there.map(([name, title]) => h('div.pane', null, h('h3', null, title),
      h('div.body', { tabindex: '0', role: 'region', 'aria-label': title }, tree(stages[name])))))
      : empty('Nothing is kept of it.')];
});

const origins = (id) => later('Where every field comes from', async () => {
  const told = await get('document/explain', { id });
  if (!told.document) return h('div.note', null, h('p', null, told.reason.message), told.reason.fix ? h('p', null, prose(told.reason.fix)) : null);
  const byField = new Map(told.fields.map((one) => [one.field, one]));
  const said = h('div.note.calm', { role: 'status' }, h('p', null, 'Choose a value to see which element of which document it comes from, and by which rule.'));
  const explain = {
    has: (path) => byField.has(path),
    show: (path) => {
      const one = byField.get(path);
      fill(said, h('p', null, h('strong.mono', null, path), ' = ', h('span.mono', null, String(one.value))),
        h('dl', null, h('dt', null, 'Comes from'), h('dd.mono', null, one.from.length ? one.from.join(', ') : 'nowhere: it is made here'),
          h('dt', null, 'Rule'), h('dd', null, one.rule)));
    },
  };
  return h('div.panes', null, h('div.pane', null, h('h3', null, 'As it is mapped today'),
    h('div.body', { tabindex: '0', role: 'region', 'aria-label': 'The mapped document' }, tree(told.document, explain))), h('div', null, said));
});

const comparison = ({ id, revision }) => later('Differences: to the order, and to the revision before', async () => {
  const told = await get('document/difference', { id });
  const mark = (now, before) => (before !== '' && String(now) !== String(before) && Number(now) !== Number(before) ? h('strong.fresh', null, now) : now);
  return [
    told.lines.length ? table([['Line', (one) => one.line], ['Item', (one) => one.item], ['Ordered', (one) => one.ordered, 'number'],
      ['Here', (one) => mark(one.here, one.ordered), 'number'], ['Price of one, ordered', (one) => one.order_price, 'number'], ['Here', (one) => mark(one.price, one.order_price), 'number']],
    told.lines, { caption: 'Lines beside the order', stack: true }) : empty('There is no order to compare its lines with.'),
    h('h3', null, 'Since the revision before'),
    told.revisions.length ? changes(told.revisions.map((one) => ({ field: one.field, old: one.before, now: one.now }))) : empty(revision > 1 ? 'Field by field nothing can be told apart; see “What the checks noticed”.' : 'There is no earlier revision.'),
  ];
});

const shown = (value) => (value === null || value === undefined ? '–' : typeof value === 'object' ? JSON.stringify(value) : String(value));
export const changes = (rows) => table([['Field', (one) => h('span.mono', null, one.field)],
  ['Before', (one) => h('span.old', null, shown(one.old))], ['Now', (one) => h('span.fresh', null, shown(one.now))]], rows, { caption: 'Differences' });

async function preview(told, again) {
  const planned = await get('document/preview', { id: told.id });
  const replayable = told.actions.includes('replay');
  await dialog(`What a replay of ${kind(told.type).toLowerCase()} ${told.number} would do`, (close) => [
    h('div', { class: `note ${planned.outcome === 'held' ? '' : 'calm'}` }, h('p', null, 'Outcome: ', h('strong', null, planned.outcome)),
      planned.reason ? h('p', null, planned.reason.message, '. ', planned.reason.fix ? ['What to do: ', prose(planned.reason.fix), '.'] : null) : null, planned.note ? h('p', null, planned.note) : null),
    planned.differences.length ? [h('h3', null, 'Differences to what was sent'), changes(planned.differences.map((one) => ({ field: one.field, old: one.sent, now: one.now })))] : null,
    planned.document ? [h('h3', null, planned.outcome === 'held' ? 'What it is mapped to' : 'What would be sent'), h('div.pane', null, h('div.body', { tabindex: '0', role: 'region', 'aria-label': 'What would be sent' }, tree(planned.document)))] : null,
    h('p.row.gap', null,
      replayable && planned.outcome !== 'held' ? action('Replay now', async () => {
        await post('document/replay', { id: told.id });
        close();
        toast('It goes through its mapping again.');
        setTimeout(again, 1500);
      }, { primary: true }) : null,
      h('button', { type: 'button', onclick: () => close() }, 'Close'))]);
}

/** All that is known of the order, as a file. */
async function evidence(id) {
  const { name, zip } = await post('document/evidence', { id });
  save(name, Uint8Array.from(atob(zip), (letter) => letter.charCodeAt(0)), 'application/zip');
}

/** Which article of the order a FreshBooks line is: remembered, so that the next one is not held. */
async function teach(told, again) {
  const { stages } = await get('document/payloads', { id: told.id });
  const called = (line) => line?.name || line?.description;
  const lines = stages.received?.lines ?? [];
  const choice = (options) => h('select', { required: true }, options.map(([value, words]) => h('option', { value }, words)));
  const name = choice([...new Set(lines.map(called).filter(Boolean))].map((one) => [one, one]));
  name.value = called(lines[/^lines\[(\d+)\]/.exec(told.reason.place)?.[1]]) ?? name.value;
  const part = choice([['', 'Choose…'], ...told.open.filter((line) => line.item).map((line) =>
    [line.item, `${[line.item, line.text].filter(Boolean).join(', ')} (line ${line.line}, ${line.ordered} ${line.uom} ordered)`])]);
  return dialog('Which article is it?', (close) => h('form', { onsubmit: async (event) => {
    event.preventDefault();
    try {
      const done = await post('partner/alias', { connection: told.connection, partner: told.partner, name: name.value, part: part.value });
      close();
      toast(`Remembered. Mapped again, as they waited for it: ${count(done.resumed, 'document')}.`);
      setTimeout(again, 1500);
    } catch (error) {
      complain(error);
    }
  } }, field('Line in FreshBooks', name), field('Article of the order', part, 'Remembered for this partner; `connector partners alias` lists and forgets.'),
  h('p.row', null, h('button.primary', { type: 'submit' }, 'Remember it'), h('button', { type: 'button', onclick: () => close() }, 'Leave it'))));
}

function acknowledge(told, again) {
  const reason = h('input', { maxlength: 300 });
  return dialog(`Acknowledge order ${told.number} to its partner`, (close) => {
    const decide = (verdict, words) => action(words, async () => {
      const done = await post('document/acknowledge', { id: told.id, verdict, reason: reason.value });
      close();
      toast(done.reason?.message ? `Held: ${done.reason.message}` : `The acknowledgement is ${stateWords(done.state).toLowerCase()}.`);
      setTimeout(again, 800);
    }, { primary: verdict === 'accept' });
    return [h('p', null, 'The partner is told whether you deliver as ordered. A later decision replaces this one. Line by line: `connector acknowledge --lines`.'),
      field('Why (optional)', reason), h('p.row', null, decide('accept', 'Accept all'), decide('reject', 'Reject all'), h('button', { type: 'button', onclick: () => close() }, 'Leave it'))];
  });
}

function withReason(title, question, work, again) {
  const reason = h('input', { required: true, maxlength: 300 });
  return dialog(title, (close) => h('form', { onsubmit: async (event) => {
    event.preventDefault();
    try {
      await work(reason.value);
      close();
      toast('Done.');
      setTimeout(again, 800);
    } catch (error) {
      complain(error);
    }
  } }, field(question, reason), h('p.row', null, h('button.primary', { type: 'submit' }, title), h('button', { type: 'button', onclick: () => close() }, 'Leave it'))));
}
