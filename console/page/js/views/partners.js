// Trading partners: their packs as text, checked and rehearsed before they are saved; shadow and live.

import { post, put, get } from '../api.js';
import { action, complain, dialog, field, fill, h, problem, table, toast } from '../dom.js';
import { count, kind, link } from '../format.js';
import { go } from '../main.js';
import { changes } from './document.js';
import { badge, empty } from './parts.js';

const TARGETS = { bill: 'Bill', invoice_draft: 'Invoice draft', estimate: 'Estimate', record_only: 'Nothing (kept on record)' };

export default async function partners(into, { given, connection, me, again }) {
  const told = await get('partners', { connection });
  const chosen = told.partners.find((one) => one.id === given.partner);
  if (chosen || given.new !== undefined) return editor(into, { chosen, given, connection, me, again });
  return fill(into, h('h1', null, 'Trading partners'),
    told.unknown.map((id) => h('div.note', null, h('p', null, `Documents of ${id} wait because nobody has set this partner up. `,
      me.operator ? h('a', { href: `#/partners?new=${encodeURIComponent(id)}` }, 'Set it up') : null))),
    h('section.box', null, told.partners.length ? table([
      ['Partner', (one) => [h('a', { href: `#/partners?partner=${encodeURIComponent(one.id)}` }, one.name || one.id), h('div.small.quiet', null, one.id)]],
      ['Mode', (one) => [badge(one.mode === 'shadow' ? 'Shadow' : 'Live', one.mode === 'shadow' ? 'warn' : 'good'), one.held ? h('span.small', null, ` ${one.held} held`) : '']],
      ['Orders become', (one) => TARGETS[one.target] ?? one.target],
      ['Invoices are sent', (one) => (one.invoices ? 'yes' : 'no')],
      ['', (one) => (me.operator ? modeButton(one, connection, again) : null)],
    ], told.partners, { caption: 'Trading partners', stack: true }) : empty('No partner yet. Set one up, or wait for its first document.'),
    me.operator ? h('p.gap', null, h('a.button', { href: '#/partners?new=' }, 'New partner')) : null));
}

function modeButton(one, connection, again) {
  if (one.mode === 'live') {
    return action('To shadow', async () => {
      await post('partner/switch', { connection, partner: one.id, mode: 'shadow' });
      toast(`${one.name || one.id} is in shadow mode: within a minute nothing more is sent.`);
      again();
    }, { 'aria-label': `Set ${one.name || one.id} to shadow` });
  }
  return action('Go live…', () => dialog(`Switch ${one.name || one.id} live`, (close) => {
    const since = h('input', { type: 'date' });
    return h('form', { onsubmit: async (event) => {
      event.preventDefault();
      try {
        const done = await post('partner/switch', { connection, partner: one.id, mode: 'live', since: since.value });
        close();
        toast(`Live: ${count(done.resumed, 'document')} to be sent, ${done.skipped} left out.`);
        again();
      } catch (error) {
        complain(error);
      }
    } }, h('p', null, one.held ? `Mapped, checked and waiting: ${count(one.held, 'document')}.` : 'No document waits.'),
    field('Leave out what came before (optional)', since, 'Those were done elsewhere; they are closed and never sent.'),
    h('p.row', null, h('button.primary', { type: 'submit' }, 'Go live'), h('button', { type: 'button', onclick: () => close() }, 'Stay in shadow')));
  }), { primary: true, 'aria-label': `Switch ${one.name || one.id} live` });
}

function editor(into, { chosen, given, connection, me, again }) {
  const draft = `draft/${connection}/${chosen?.id ?? `new/${given.new}`}`; // so that looking something up costs nobody the edit
  const kept = sessionStorage.getItem(draft);
  const saved = chosen?.toml ?? fresh(given.new);
  const area = h('textarea', { rows: 18, spellcheck: 'false', value: kept ?? saved, readonly: me.operator ? null : true,
    oninput: () => sessionStorage.setItem(draft, area.value) });
  const said = h('div', { role: 'status' });
  const body = () => ({ connection, partner: chosen?.id ?? '', toml: area.value });
  const tell = (...content) => fill(said, content);
  const attempt = (work) => async () => {
    try {
      if (!area.value.trim()) throw Object.assign(new Error('The pack is empty'), { fix: 'write at least `trading_partner_id`' });
      await work();
    } catch (error) {
      tell(problem(error));
      const line = /line (\d+)/.exec(`${error.place} ${error.message}`)?.[1];
      if (line) select(area, Number(line));
    }
  };
  fill(into, h('p.small', null, h('a', { href: '#/partners' }, 'Trading partners')),
    h('h1', null, chosen ? chosen.name || chosen.id : 'New trading partner'),
    chosen || !me.operator ? null : firstChoice(area),
    kept !== null && kept !== saved ? h('div.note', null, h('p', null, 'These are your changes, not saved yet. ', h('button.plain', { type: 'button', onclick: () => {
      sessionStorage.removeItem(draft);
      again();
    } }, 'Discard them'))) : null,
    h('section.box', null, field('Partner pack (TOML)', area, 'What is left out has its default. The same file works with `connector partners import`.'),
      me.operator ? h('p.row', null,
        action('Check', attempt(async () => { await post('partner/check', body()); tell(h('p.note.good', null, 'The pack is right.')); })),
        action('Try on past documents', attempt(async () => tell(rehearsal(await post('partner/rehearse', { ...body(), last: 100 }))))),
        action('Save', attempt(async () => {
          const done = await put('partner', body());
          sessionStorage.removeItem(draft);
          toast(`Saved${done.mode === 'shadow' ? ', in shadow mode: nothing is sent' : ''}.${done.resumed ? ` Mapped again, as they waited for it: ${count(done.resumed, 'document')}.` : ''}`);
          go('partners', { partner: done.partner });
        }), { primary: true })) : null, said));
}

/** Whether the user sells to or buys from the partner, with what the choice does to the books. */
function firstChoice(area) {
  const options = [
    ['I sell to it, and write the invoices myself', 'record_only', 'nothing is booked by an order: it is kept, and compared with the invoice that you write for it.'],
    ['I sell to it, and want a draft invoice of each order', 'invoice_draft', 'a draft books nothing until you send it.'],
    ['I buy from it, or want each order booked as a bill', 'bill', 'each order books a bill at once: a payable. It goes when the order is cancelled; once the order is invoiced you close it out (Open PO-bills).'],
  ];
  return h('section.box', null, h('fieldset', { class: 'plainset' }, h('legend', null, h('strong', null, 'What is this partner to you?')),
    options.map(([words, target, effect]) => h('label.choice', null, h('input', { type: 'radio', name: 'side', value: target, onchange: () => {
      area.value = area.value.replace(/^target = .*$/m, `target = "${target}"`);
      area.dispatchEvent(new Event('input'));
    } }), h('span', null, words, h('span.quiet.small.block', null, `In your books: ${effect}`))))),
  h('p.small.quiet.gap', null, 'The choice goes into the pack below. A new partner starts in shadow mode: everything is mapped and checked, nothing is sent until you switch it live.'));
}

const fresh = (id) => `trading_partner_id = ${JSON.stringify(id ?? '')}\nname = ""\nmode = "shadow"\n\n[orders]\ntarget = "bill"\n`;

function rehearsal(told) {
  return [h('p.note.calm', null, told.documents ? `On the last ${told.documents} documents it ${told.summary}.` : 'There is no past document of this partner yet.'),
    told.rows.length ? table([
      ['Document', (one) => h('a', { href: link(one.id) }, `${kind(one.type)} ${one.number}`)],
      ['What', (one) => badge(one.change, { 'becomes invalid': 'bad', 'becomes valid': 'good', changes: 'new' }[one.change] ?? '')],
      ['How', (one) => (one.differences ? h('details', null, h('summary', null, `${one.fields} fields`), changes(one.differences.map((x) => ({ field: x.field, old: x.before, now: x.after })))) : one.reason?.message ?? '')],
    ], told.rows, { caption: 'What the pack changes' }) : null];
}

function select(area, line) {
  const lines = area.value.split('\n');
  const start = lines.slice(0, line - 1).join('\n').length + (line > 1 ? 1 : 0);
  area.focus();
  area.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
}
