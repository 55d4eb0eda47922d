// What a person sees first: what needs somebody, what is on its way, whether both sides are well.

import { get } from '../api.js';
import { measures, perDay } from '../charts.js';
import { fill, h, table } from '../dom.js';
import { ago, count, duration, money, stateTone, stateWords, time, zone } from '../format.js';
import { badge, empty, waiting } from './parts.js';

export default async function overview(into, { connection }) {
  const told = await get('overview', { connection, zone });
  const names = told.partners;
  const money_ = Object.entries(told.in_flight).map(([currency, amount]) => h('span.figure.money', null, money(amount, currency)));
  const today = Object.values(told.today.states).reduce((a, b) => a + b, 0);
  const shadows = Object.entries(names).filter(([, pack]) => pack.mode === 'shadow');
  fill(into,
    h('h1', null, 'Overview'),
    h('p.quiet.small', null, `As of ${time(told.at)}`, told.complete ? '' : ' · the newest 5,000 documents are counted'),
    shadows.length ? h('div.note.calm', null, h('p', null, `In shadow mode, so nothing is sent: ${shadows.map(([id, pack]) => pack.name || id).join(', ')}. `,
      h('a', { href: '#/partners' }, 'Look at what would be sent'))) : null,
    h('div.cards', null,
      h(told.person.count ? 'a.card.alert' : 'a.card', { href: '#/documents?state=person' },
        h('span.figure', null, told.person.count), told.person.count === 1 ? 'needs a person' : 'need a person'),
      h('a.card', { href: '#/documents?state=open' }, money_.length ? money_ : h('span.figure', null, told.open), money_.length ? `on its way or held, ${count(told.open, 'document')}` : 'on its way or held'),
      h('div.card', null, h('span.figure', null, today), 'documents today'),
      h('div.card', null, h('span.figure', null, duration(told.delivery.median_seconds)), 'usual time to deliver'),
      h('div.card', null, h('span.figure', null, told.oldest_open ? duration((Date.now() - new Date(told.oldest_open)) / 1000) : '–'), 'oldest wait')),
    h('section.box', null, h('h2', null, 'Needs a person'),
      told.person.oldest.length ? [table(waiting(names), told.person.oldest, { caption: 'Documents that need a person', stack: true }),
        told.person.count > told.person.oldest.length ? h('p.gap', null, h('a', { href: '#/documents?state=person' }, `All ${told.person.count}`)) : null]
        : empty('Nothing waits for you.')),
    h('div.two.gap', null,
      h('div', null,
        h('section.box', null, h('h2', null, 'Both sides'), sides(told.health)),
        h('section.box', null, h('h2', null, 'The last two weeks'), perDay(told.days))),
      h('div', null,
        h('section.box', null, h('h2', null, 'Today by partner'),
          Object.keys(told.today.partners).length ? table([
            ['Partner', ([id]) => names[id]?.name || (id === '-' ? 'Unreadable files' : id)],
            ['Documents', ([, states]) => Object.entries(states).map(([state, n]) => [badge(`${n} ${stateWords(state).toLowerCase()}`, stateTone(state)), ' '])],
          ], Object.entries(told.today.partners), { caption: 'Today by partner' }) : empty('No document yet today.')),
        h('section.box', null, h('h2', null, 'Held or refused, by reason'),
          Object.keys(told.person.reasons).length
            ? measures(told.person.reasons, 'Reasons', (code) => h('a', { href: `#/documents?state=person&code=${encodeURIComponent(code)}` }, told.person.words[code] ?? code.replaceAll('_', ' ')))
            : empty('None.')),
        h('section.box', null, h('h2', null, 'Time to deliver'),
          told.delivery.count ? measures(told.delivery.steps, 'Time to deliver') : empty('Nothing was delivered in the last two weeks.')))));
}

function sides(health) {
  const late = (side) => side.minutes && side.last_poll && (Date.now() - new Date(side.last_poll)) / 60000 > 3 * side.minutes;
  const unheard = (side) => Object.keys(side.silent ?? {}).length > 0;
  const row = (name, side) => [h('dt', null, name), h('dd', null,
    side.stranded ? badge('Authorize again', 'bad') : !side.last_poll ? badge('Never looked', 'warn') : late(side) ? badge('Late', 'bad') : unheard(side) ? badge('Webhooks are silent', 'warn') : badge('Well', 'good'),
    ` last look ${ago(side.last_poll)}`, side.next_poll ? new Date(side.next_poll) > Date.now() ? `, next ${ago(side.next_poll)}` : ', next is due' : '',
    side.stranded || unheard(side) ? [' ', h('a', { href: '#/connect' }, 'Connect')] : '')];
  const nightly = health.reconcile;
  return h('dl', null, row('SPS Commerce', health.sps), row('FreshBooks', health.freshbooks),
    h('dt', null, 'Nightly proof'), h('dd', null, nightly.at ? [
      nightly.unexplained ? badge(`${nightly.unexplained} unexplained`, 'bad')
        : Date.now() - new Date(nightly.at) > 2 * 86400000 ? badge('Late', 'bad') : badge('Everything explained', 'good'), ` ${ago(nightly.at)} `,
      h('a', { href: '#/reconcile' }, 'See it')] : 'not yet'));
}
