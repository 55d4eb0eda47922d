// Charts, drawn as SVG or as bars in a table; each has its figures as text, for whoever cannot see it.

import { h, table } from './dom.js';

const GROUPS = [
  ['done', 'Delivered', ['DELIVERED', 'PICKED_UP']],
  ['open', 'On its way', ['RECEIVED', 'MAPPED', 'CLAIMED', 'IN_DOUBT']],
  ['person', 'Held or refused', ['HELD', 'REJECTED']],
  ['ended', 'Closed', ['SKIPPED', 'CANCELLED', 'SUPERSEDED']],
];
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', timeZone: 'UTC' });

/** Documents of each day by what became of them. */
export function perDay(days) {
  const sums = days.map(({ day: date, states }) => ({
    date, counts: GROUPS.map(([, , names]) => names.reduce((sum, name) => sum + (states[name] ?? 0), 0)),
  }));
  const most = Math.max(1, ...sums.map(({ counts }) => counts.reduce((a, b) => a + b, 0)));
  const narrow = matchMedia('(max-width: 40rem)').matches;
  const [width, height, left, bottom] = [narrow ? 340 : 640, 200, 34, 22];
  const step = (width - left) / sums.length;
  const scale = (height - bottom - 8) / most;
  const bars = sums.map(({ date, counts }, index) => {
    let y = height - bottom;
    return h('g', null, h('title', null, `${day.format(new Date(date))}: ${counts.map((n, i) => `${n} ${GROUPS[i][1].toLowerCase()}`).join(', ')}`),
      counts.map((count, group) => {
        y -= count * scale;
        return count ? h(`rect.s-${GROUPS[group][0]}`, { x: left + index * step + step * .15, y, width: step * .7, height: count * scale }) : null;
      }),
      (sums.length - 1 - index) % (narrow ? 4 : 2) === 0
        ? h('text', index === sums.length - 1 ? { x: width, y: height - 6, 'text-anchor': 'end' } : { x: left + index * step + step / 2, y: height - 6, 'text-anchor': 'middle' }, day.format(new Date(date))) : null);
  });
  return [
    h('svg.chart', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': 'Documents of each day; the same figures are in the table below' },
      h('line.axis', { x1: left, x2: width, y1: height - bottom, y2: height - bottom }),
      h('text', { x: left - 6, y: 14, 'text-anchor': 'end' }, most),
      h('text', { x: left - 6, y: height - bottom, 'text-anchor': 'end' }, '0'), bars),
    h('ul.legend', null, GROUPS.map(([name, words]) => h('li', null, h(`i.s-${name}`), words))),
    h('details', null, h('summary.small', null, 'As a table'),
      table([['Day', (row) => day.format(new Date(row.date))], ...GROUPS.map(([, words], i) => [words, (row) => row.counts[i], 'number'])],
        sums, { caption: 'Documents of each day' })),
  ];
}

/** Counts by name as bars. `name(key)` gives words or a link. */
export function measures(counts, caption, name = (key) => key) {
  const rows = Object.entries(counts);
  const most = Math.max(1, ...rows.map(([, count]) => count));
  const bar = (count) => {
    const measure = h('span.measure', { 'aria-hidden': 'true' });
    measure.style.width = `${(100 * count) / most}%`;
    return measure;
  };
  return h('table', null, h('caption.hidden', null, caption),
    h('tbody', null, rows.map(([key, count]) => h('tr', null,
      h('th', { scope: 'row' }, name(key)), h('td.measured', null, count ? bar(count) : null), h('td.number', null, count)))));
}
