// Work that waits, and messages that gave up: what they are about, and putting them back.

import { get, post } from '../api.js';
import { action, fill, h, table, toast } from '../dom.js';
import { link } from '../format.js';
import { badge, empty } from './parts.js';

const WORDS = {
  sps_files_to_map: 'Files from SPS to be mapped', bills_to_push: 'Bills to be made in FreshBooks',
  records_to_map: 'FreshBooks records to be mapped', rsx_to_push: 'Documents to be sent to SPS',
};

export default async function queues(into, { me, again }) {
  const { queues: all } = await get('queues');
  const failed = all.reduce((sum, one) => sum + one.failed, 0);
  fill(into, h('h1', null, 'Queues'),
    h('p.quiet', null, 'Work is tried many times, with growing pauses. What still failed waits here for 14 days; putting it back is safe at any time, as work that was done is recognised.'),
    h('section.box', null, table([
      ['Queue', (one) => WORDS[one.name] ?? one.name],
      ['In work', (one) => one.waiting, 'number'],
      ['Gave up', (one) => badge(one.failed, one.failed ? 'bad' : 'good')],
      ['', (one) => (me.operator && one.failed ? action('Put back', async () => {
        const done = await post('queue/redrive', { queue: one.name });
        toast(`${done.messages} messages: ${done.how}.`);
        again();
      }, { 'aria-label': `Put back what gave up of: ${WORDS[one.name]}` }) : null)],
    ], all, { caption: 'Queues', stack: true })),
    all.filter((one) => one.messages.length).map((one) => h('section.box', null, h('h2', null, WORDS[one.name]),
      h('ul', null, one.messages.map((message) => h('li', null, about(message)))))),
    failed ? null : empty('Nothing gave up.'));
}

function about(message) {
  const id = message.key ?? message.replay;
  if (id) return h('a', { href: link(id) }, id);
  return h('span.mono', null, message.path ?? (message.noun ? `${message.noun} ${message.id} of ${message.connection}` : message.about ?? ''));
}
