// Pictures drawn as SVG by hand: lines with forecast bands, bars, the map of tiles,
// the strip of an SLA clock. Each has a text alternative; a line chart can be read
// with the arrow keys and as a table.
//
// Colours come from style.css by class; nothing here knows a colour.

import { count, date, decimal, duration, el, percent, scrolling, svg, t, word } from './kit.js';

const at = (point) => Date.parse(String(point.at ?? point.on).slice(0, 10));

/** Round steps for an axis from zero: 0, 20, 40 … */
function ticks(top, wanted = 4) {
  const raw = Math.max(top, 1e-9) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw);
  return Array.from({ length: Math.ceil(top / step - 1e-9) + 1 }, (_, i) => i * step);
}

const line = (points, x, y) => points.map((p, i) => `${i ? 'L' : 'M'}${x(p).toFixed(1)} ${y(p.value).toFixed(1)}`).join('');

function band(points, x, y, low, high) {
  const up = points.map((p) => `${x(p).toFixed(1)} ${y(p[high]).toFixed(1)}`);
  const down = points.toReversed().map((p) => `${x(p).toFixed(1)} ${y(p[low]).toFixed(1)}`);
  return `M${[...up, ...down].join('L')}Z`;
}

/**
 * Lines over days. `series`: [{name, kind, points: [{at|on, value, n?}]}], `kind` names the
 * colour class; `forecast`: {name, points: [{on, value, lo80, hi80, lo95, hi95}]};
 * `marks`: points to ring (anomalies). `show` formats a value.
 */
export function lineChart({ title, series, forecast, marks = [], show = count, height = 260 }) {
  const frame = el('div', { class: 'chart' });
  const readout = el('p', { class: 'readout', 'aria-live': 'polite' });
  const legend = el('ul', { class: 'legend' },
    series.map((s) => el('li', { class: `key is-${s.kind}` }, s.name)),
    forecast ? [el('li', { class: 'key is-forecast' }, forecast.name),
      el('li', { class: 'key is-band' }, t('80 % and 95 % range'))] : null);
  const drawing = el('div', { class: 'drawing' });
  frame.append(el('div', { class: 'reading' }, legend, readout), drawing, asTable(title, series, forecast, show));
  const reading = { index: null }; // stays, with the focus, when the width changes
  let drawn = 0;
  const draw = () => {
    const width = drawing.clientWidth || 600;
    if (width === drawn) return;
    drawn = width;
    const isRead = drawing.contains(document.activeElement);
    const picture = linePicture({ title, series, forecast, marks, show, height, width, readout, reading });
    drawing.replaceChildren(picture);
    if (isRead) picture.focus();
  };
  new ResizeObserver(draw).observe(drawing);
  return frame;
}

function linePicture({ title, series, forecast, marks, show, height, width, readout, reading }) {
  const pad = { left: 44, right: 12, top: 10, bottom: 26 };
  const ahead = forecast?.points ?? [];
  const everything = [...series.flatMap((s) => s.points), ...ahead];
  const stamps = [...new Set(everything.map(at))].sort((a, b) => a - b);
  const [from, to] = [stamps[0], stamps.at(-1)];
  const values = everything.flatMap((p) => [p.value, p.hi95]).filter((v) => v !== null && v !== undefined);
  const steps = ticks(Math.max(...values, 1));
  const x = (p) => pad.left + ((at(p) - from) / Math.max(to - from, 1)) * (width - pad.left - pad.right);
  const y = (v) => height - pad.bottom - (v / steps.at(-1)) * (height - pad.top - pad.bottom);
  const picture = svg('svg', { class: 'lines', viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', tabindex: '0',
    'aria-label': `${title}. ${t('Use the arrow keys to read the values.')}` });
  for (const step of steps) {
    picture.append(svg('line', { class: 'grid', x1: pad.left, x2: width - pad.right, y1: y(step), y2: y(step) }),
      svg('text', { class: 'axis', x: pad.left - 6, y: y(step) + 4, 'text-anchor': 'end' }, show(step)));
  }
  const every = Math.max(1, Math.ceil(stamps.length / Math.max(2, Math.floor(width / 90))));
  stamps.filter((_, i) => i % every === 0).forEach((stamp) => picture.append(
    svg('text', { class: 'axis', x: x({ at: new Date(stamp).toISOString() }), y: height - 8, 'text-anchor': 'middle' }, date(new Date(stamp).toISOString()))));
  if (ahead.length) {
    picture.append(svg('path', { class: 'band wide', d: band(ahead, x, y, 'lo95', 'hi95') }),
      svg('path', { class: 'band', d: band(ahead, x, y, 'lo80', 'hi80') }),
      svg('line', { class: 'today', x1: x(ahead[0]), x2: x(ahead[0]), y1: pad.top, y2: height - pad.bottom }),
      svg('path', { class: 'line is-forecast', d: line(ahead, x, y) }));
  }
  for (const s of series) {
    const known = s.points.filter((p) => p.value !== null && p.value !== undefined);
    picture.append(svg('path', { class: `line is-${s.kind}`, d: line(known, x, y) }));
    if (known.length === 1) picture.append(svg('circle', { class: `dot is-${s.kind}`, cx: x(known[0]), cy: y(known[0].value), r: 3 }));
  }
  for (const mark of marks) picture.append(svg('circle', { class: 'ring', cx: x(mark), cy: y(mark.value), r: 6 }));
  addCursor(picture, { stamps, series, forecast, x, pad, width, height, show, readout, reading });
  return picture;
}

function readingAt(stamp, series, forecast, show) {
  const parts = series.map((s) => [s.name, s.points.find((p) => at(p) === stamp)])
    .filter(([, p]) => p && p.value !== null).map(([name, p]) => `${name} ${show(p.value)}`);
  const ahead = forecast?.points.find((p) => at(p) === stamp);
  if (ahead) parts.push(`${forecast.name} ${show(ahead.value)} (80 %: ${show(ahead.lo80)}–${show(ahead.hi80)})`);
  return `${date(new Date(stamp).toISOString(), { weekday: 'short', day: 'numeric', month: 'short' })}: ${parts.join(' · ')}`;
}

function addCursor(picture, { stamps, series, forecast, x, pad, width, height, show, readout, reading }) {
  const cursor = svg('line', { class: 'cursor', y1: pad.top, y2: height - pad.bottom, visibility: 'hidden' });
  picture.append(cursor);
  reading.index ??= stamps.length - 1;
  const point = (i) => {
    const index = Math.min(Math.max(i, 0), stamps.length - 1);
    reading.index = index;
    const place = x({ at: new Date(stamps[index]).toISOString() });
    for (const end of ['x1', 'x2']) cursor.setAttribute(end, place);
    cursor.setAttribute('visibility', 'visible');
    readout.textContent = readingAt(stamps[index], series, forecast, show);
  };
  const away = () => { cursor.setAttribute('visibility', 'hidden'); readout.textContent = ''; };
  picture.addEventListener('pointermove', (event) => {
    const box = picture.getBoundingClientRect();
    const part = ((event.clientX - box.left) * (width / box.width) - pad.left) / (width - pad.left - pad.right);
    point(Math.round(part * (stamps.length - 1)));
  });
  picture.addEventListener('pointerleave', away);
  picture.addEventListener('blur', away);
  picture.addEventListener('focus', () => { if (picture.matches(':focus-visible')) point(reading.index); });
  picture.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -1e6, End: 1e6 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    point(reading.index + step);
  });
}

function asTable(title, series, forecast, show) {
  const body = scrolling(title, el('div', { class: 'table-frame' }));
  return el('details', { class: 'as-table', ontoggle: (event) => {
    if (!event.target.open || body.firstChild) return;
    const all = [...series, ...(forecast ? [forecast] : [])];
    const stamps = [...new Set(all.flatMap((s) => s.points.map(at)))].sort((a, b) => b - a);
    body.append(el('table', {}, el('caption', { class: 'hidden' }, title),
      el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, t('Day')), all.map((s) => el('th', { scope: 'col', class: 'figure' }, s.name)))),
      el('tbody', {}, stamps.map((stamp) => el('tr', {}, el('th', { scope: 'row' }, date(new Date(stamp).toISOString())),
        all.map((s) => { const p = s.points.find((q) => at(q) === stamp); return el('td', { class: 'figure' }, p ? show(p.value) : ''); }))))));
  } }, el('summary', {}, t('Show as a table')), body);
}

const wide = (node, share) => { node.style.width = `${(100 * share).toFixed(2)}%`; return node; };

/** Horizontal bars with their figures; `rows`: [{name, value, href?, text?, kind?}]. */
export function bars(rows, { show = count, top } = {}) {
  const most = top ?? Math.max(...rows.map((r) => r.value ?? 0), 1e-9);
  return el('ul', { class: 'bars' }, rows.map((row) => el('li', {},
    row.href ? el('a', { href: row.href }, row.name) : el('span', {}, row.name),
    el('span', { class: 'track', 'aria-hidden': 'true' }, row.value ? wide(el('i', { class: `is-${row.kind ?? 'plain'}` }), Math.min(row.value / most, 1)) : null),
    el('b', { class: 'figure' }, row.text ?? show(row.value)))));
}

/** One bar in parts, with a legend that carries the figures; `parts`: [{code, value, href?}]. */
export function parts(title, rows) {
  const total = rows.reduce((sum, r) => sum + r.value, 0);
  return el('div', { class: 'parts' },
    el('div', { class: 'strip', role: 'img', 'aria-label': `${title}: ${rows.map((r) => `${word(r.code)} ${count(r.value)}`).join(', ')}` },
      rows.filter((r) => r.value).map((r) => wide(el('i', { class: `is-${r.code}` }), r.value / Math.max(total, 1)))),
    el('ul', { class: 'legend' }, rows.map((r) => el('li', { class: `key is-${r.code}` },
      r.href ? el('a', { href: r.href }, word(r.code)) : word(r.code), el('b', {}, count(r.value)),
      el('small', { class: 'muted' }, total ? percent(r.value / total) : '')))));
}

// Where each state lies on a map of equal tiles: [column, row]. Labuan and Borneo are at the right.
const TILES = {
  Perlis: [0, 0, 'PLS'], Kedah: [1, 0, 'KDH'], Kelantan: [2, 0, 'KTN'], Penang: [0, 1, 'PNG'], Perak: [1, 1, 'PRK'],
  Terengganu: [3, 0, 'TRG'], Selangor: [0, 2, 'SGR'], 'Kuala Lumpur': [1, 2, 'KUL'], Pahang: [2, 1, 'PHG'], Putrajaya: [1, 3, 'PJY'],
  'Negeri Sembilan': [2, 2, 'NSN'], Melaka: [2, 3, 'MLK'], Johor: [3, 3, 'JHR'], Labuan: [6, 1, 'LBN'], Sabah: [7, 1, 'SBH'], Sarawak: [6, 2, 'SWK'],
};

export const onTheMap = (name) => name in TILES;

export const MAPPED = Object.keys(TILES);

/** A map of tiles, darker where `value` is larger; `rows`: [{name, value, href, text}]. */
export function tileMap(title, rows) {
  const most = Math.max(...rows.map((r) => r.value ?? 0), 1);
  const size = 54;
  return svg('svg', { class: 'map', viewBox: `0 0 ${8 * size} ${4 * size}`, role: 'group', 'aria-label': title },
    rows.filter((r) => onTheMap(r.name)).map((row) => {
      const [column, line_, short] = TILES[row.name];
      const strength = row.value ? Math.min(5, 1 + Math.floor((5 * row.value) / (most + 1e-9) * 0.999)) : 0;
      return svg('a', { href: row.href, class: `tile heat-${strength}`, 'aria-label': `${row.name}: ${row.text}` },
        svg('title', {}, `${row.name}: ${row.text}`),
        svg('rect', { x: column * size + 2, y: line_ * size + 2, width: size - 4, height: size - 4, rx: 6 }),
        svg('text', { x: column * size + size / 2, y: line_ * size + 22, 'text-anchor': 'middle', class: 'short' }, short),
        svg('text', { x: column * size + size / 2, y: line_ * size + 40, 'text-anchor': 'middle', class: 'value' }, count(row.value)));
    }));
}

/** A small line without axes. */
export function spark(values, kind = 'created') {
  const known = values.filter((v) => v !== null && v !== undefined);
  if (known.length < 2) return null;
  const most = Math.max(...known, 1);
  const x = (i) => (i / (known.length - 1)) * 96 + 2;
  const y = (v) => 26 - (v / most) * 24;
  return svg('svg', { class: 'spark', viewBox: '0 0 100 28', 'aria-hidden': 'true', preserveAspectRatio: 'none' },
    svg('path', { class: `line is-${kind}`, d: known.map((v, i) => `${i ? 'L' : 'M'}${x(i).toFixed(1)} ${y(v).toFixed(1)}`).join('') }));
}

const kindOf = (segment) => segment.kind.split(':')[0];

/** What a stretch of an SLA clock was, in words: working time, a holiday's name, why it was paused. */
export function segmentName(segment) {
  const [kind, detail] = segment.kind.split(':');
  const name = { open: t('Working time'), closed: t('Outside hours'), holiday: t('Holiday'), paused: t('On hold') }[kind] ?? word(kind);
  return detail ? `${name} (${kind === 'holiday' ? detail : word(detail)})` : name;
}

/** The strip of one SLA clock: its segments in order, with the due time and now as marks. */
export function slaStrip(clock) {
  const segments = (clock.segments ?? []).filter((s) => s.from && s.to);
  if (!segments.length) return null;
  const from = Date.parse(segments[0].from);
  const end = Math.max(Date.parse(segments.at(-1).to), clock.due_at ? Date.parse(clock.due_at) : 0);
  const place = (stamp) => (Date.parse(stamp) - from) / Math.max(end - from, 1);
  const strip = el('div', { class: 'sla-strip' }, segments.map((segment) => {
    const piece = el('i', { class: `is-${kindOf(segment)}`, title: `${segmentName(segment)}: ${duration(segment.seconds / 60)}` });
    piece.style.left = `${(100 * place(segment.from)).toFixed(3)}%`;
    return wide(piece, place(segment.to) - place(segment.from));
  }));
  if (clock.due_at) {
    const mark = el('b', { class: 'due', title: t('Due') });
    mark.style.left = `${(100 * place(clock.due_at)).toFixed(3)}%`;
    strip.append(mark);
  }
  const spoken = ['open', 'closed', 'holiday', 'paused'].map((kind) => {
    const seconds = segments.filter((s) => kindOf(s) === kind).reduce((sum, s) => sum + s.seconds, 0);
    return seconds ? `${segmentName({ kind })} ${duration(seconds / 60)}` : null;
  }).filter(Boolean).join(', ');
  return el('div', { role: 'img', 'aria-label': spoken }, strip);
}

export const showMetric = (metric) =>
  (/_ratio/.test(metric) ? percent : /_minutes$/.test(metric) ? duration : (v) => decimal(v, 0));
