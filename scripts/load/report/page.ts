import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figures } from '../figures.ts';
import { answersPanels, answersSpan } from './burst.ts';
import { figure } from './figure.ts';
import { latencyPanel, latencyTicks, podsPanel, ratePanel } from './panels.ts';
import { startsFigure } from './starts.ts';
import { escapeHtml, latencyLabel, line, logarithmic, rect, text } from './svg.ts';

const here = (name: string): string => readFileSync(join(import.meta.dirname, name), 'utf8');
/** Of the list of failures. */
const failuresShown = 100;

/** One HTML page with everything in it: pictures, style and script. It loads nothing, and follows the reader's light or dark. */
export function pageOf(figures: Figures): string {
  const { scenario, target, began, machine, interrupted } = figures;
  const title = `${scenario} · ${new URL(target).host}`;
  const when = `${began.slice(0, 10)} ${began.slice(11, 16)} UTC`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>
${here('report.css')}</style>
</head>
<body>
<header>
<h1>${escapeHtml(scenario)}</h1>
<p>${escapeHtml(target)} · ${when} · ${Math.round(figures.seconds)} s${interrupted ? ' · <strong>interrupted</strong>' : ''}<br>
${escapeHtml(`${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.model ?? ''} · ${machine.generator}`)}</p>
</header>
${tiles(figures)}
${pictures(figures)}
${starts(figures)}
${functions(figures)}
${failures(figures)}
<details><summary>Settings</summary><pre>${escapeHtml(JSON.stringify(figures.settings, null, 2))}</pre></details>
<p class="small">Latency counts from the time at which a request was due, so a request that had to wait for the generator waited. The raw figures are in report.json beside this page.</p>
<div id="tip" hidden></div>
<script type="application/json" id="data">${JSON.stringify(hoverData(figures)).replaceAll('<', '\\u003c')}</script>
<script>
${here('hover.js')}</script>
</body>
</html>
`;
}

function tiles({ scenario, totals, latency, coldStarts, pods }: Figures): string {
  const flaps = pods.reduce((sum, each) => sum + each.flaps, 0);
  const number = (value: number): string => value.toLocaleString('en');
  const all: [name: string, value: string, note: string, tone?: string][] = [
    [
      'Requests',
      number(totals.sent),
      scenario === 'burst' ? 'at once' : scenario === 'from-zero' ? 'each from zero' : `${totals.rate.toFixed(1)} a second`,
    ],
    [
      'Failed',
      number(totals.failed),
      totals.failed === 0 ? 'all answers right' : `${((100 * totals.failed) / totals.sent).toFixed(2)} %`,
      totals.failed > 0 ? 'bad' : 'good',
    ],
    ['p50', latencyLabel(latency.p50), 'half were faster'],
    ['p95', latencyLabel(latency.p95), '95 % were faster'],
    ['p99', latencyLabel(latency.p99), `longest ${latencyLabel(latency.max)}`],
    ['Late, dropped', `${number(totals.late)}, ${number(totals.dropped)}`, 'by the generator', totals.dropped > 0 ? 'bad' : undefined],
  ];
  if (pods.length > 0)
    all.push(['Cold starts', number(coldStarts.length), scenario === 'from-zero' ? '' : `${flaps} flap${flaps === 1 ? '' : 's'}`]);
  return `<section class="tiles">${all
    .map(
      ([name, value, note, tone]) =>
        `<div class="tile ${tone ?? ''}"><span class="tile-words">${escapeHtml(name)}</span><b>${escapeHtml(value)}</b><span class="tile-words">${escapeHtml(note)}</span></div>`,
    )
    .join('')}</section>`;
}

function pictures(figures: Figures): string {
  const { scenario, points, marks } = figures;
  const seconds = figures.perSecond.length;
  const noPods = figures.pods.length === 0 ? '<p class="small">No cluster was seen: there are no pods to show.</p>' : '';
  const rolledOut = marks.filter(({ says }) => !says.startsWith('run '));
  if (scenario === 'burst' && points.length > 0) {
    const { until } = answersSpan(figures);
    const whole =
      figures.pods.length === 0
        ? ''
        : card('The pods until they were gone', figure(podsPanel(figures, seconds), [], seconds, 'Pods over time'));
    return (
      card(
        'Over time',
        figure([...answersPanels(figures), ...podsPanel(figures, until)], [], until, 'Answers and pods over time') + noPods,
      ) + whole
    );
  }
  const panels = [...(scenario === 'from-zero' ? [] : [ratePanel(figures)]), latencyPanel(figures), ...podsPanel(figures, seconds)];
  return card('Over time', figure(panels, rolledOut, seconds, 'Rate, latency and pods over time', 'time') + noPods);
}

const card = (title: string, content: string): string => `<section class="card" aria-label="${escapeHtml(title)}">${content}</section>`;

function starts({ coldStarts }: Figures): string {
  const drawn = startsFigure(coldStarts);
  if (drawn === '') return '';
  const legend = [
    ['phase-wait', 'no pod was wanted yet'],
    ['phase-start', 'the pod started'],
    ['phase-answer', 'it answered'],
  ].map(([name, says]) => `<span><i class="${name}"></i>${says}</span>`);
  return `<section class="card"><h2>Cold starts <small>what each first request waited for</small></h2><p class="legend">${legend.join('')}</p>${drawn}</section>`;
}

/** A row for each function: how its latencies are spread, on one scale for all. */
function functions({ functions: all, rows }: Figures): string {
  const used = rows.flatMap((ms, row) => (all.some(({ histogram }) => (histogram[row] ?? 0) > 0) ? [ms] : []));
  const from = Math.max(0.4, (used[0] ?? 0.5) * 0.8);
  const to = Math.max(from * 4, (used.at(-1) ?? 1) * 1.6);
  const x = logarithmic(from, to, 24, 400);
  const spread = (histogram: readonly number[], { p50, p99 }: { p50: number; p99: number }): string => {
    const most = Math.max(...histogram);
    const columns = histogram.map((count, row) => {
      if (count === 0) return '';
      const left = x(Math.max(from, rows[row] as number));
      const tall = 2 + 30 * Math.sqrt(count / most);
      return rect(left, 36 - tall, x(rows[row + 1] ?? to) - left - 1, tall, 'bar');
    });
    const at = (ms: number, name: string): string => line(x(ms), 2, x(ms), 36, name);
    return `<svg viewBox="0 0 420 38" role="img" aria-label="Spread of latencies">${columns.join('')}${at(p50, 'p50')}${at(p99, 'p99')}</svg>`;
  };
  const axis = `<svg viewBox="0 0 420 18" aria-hidden="true">${latencyTicks(from, to * 0.95)
    .map((ms) => text(x(ms), 13, latencyLabel(ms), 'tick middle'))
    .join('')}</svg>`;
  const lines = all.map(
    ({ functionName, sent, failed, grpc, latency, histogram }) =>
      `<tr><th scope="row" class="first">${escapeHtml(functionName)}<span class="share">${Math.round((100 * grpc) / sent)} % gRPC</span></th><td>${sent.toLocaleString('en')}</td><td class="${failed > 0 ? 'bad' : ''}">${failed.toLocaleString('en')}</td><td class="spread">${spread(histogram, latency)}</td>${[latency.p50, latency.p95, latency.p99, latency.max].map((ms) => `<td>${latencyLabel(ms)}</td>`).join('')}</tr>`,
  );
  return `<section class="card"><h2>Functions <small>lines at p50 and p99; heights are roots of counts</small></h2><table><thead><tr><th></th><th>sent</th><th>failed</th><th class="words">latency</th><th>p50</th><th>p95</th><th>p99</th><th>longest</th></tr></thead><tbody>${lines.join('')}</tbody><tfoot><tr><td colspan="3"></td><td class="spread">${axis}</td><td colspan="4"></td></tr></tfoot></table></section>`;
}

function failures({ failures: all, failuresLeftOut, reasons, totals }: Figures): string {
  if (totals.failed === 0) return '';
  const groups = reasons.map(
    ({ functionName, reason, count }) =>
      `<tr><td class="narrow">${count}</td><td class="first">${escapeHtml(functionName)}</td><td class="words">${escapeHtml(reason)}</td></tr>`,
  );
  const each = all
    .slice(0, failuresShown)
    .map(
      ({ at, functionName, dialect, kind, status, reason, latencyMs }) =>
        `<tr><td>${at.toFixed(2)} s</td><td>${escapeHtml(functionName)}</td><td>${kind}, ${dialect}</td><td>${status}</td><td>${latencyLabel(latencyMs)}</td><td class="words">${escapeHtml(reason)}</td></tr>`,
    );
  const more = all.length + failuresLeftOut - each.length;
  return `<section class="card"><h2>What failed</h2><table><thead><tr><th class="narrow">count</th><th class="first">function</th><th class="words">reason</th></tr></thead><tbody>${groups.join('')}</tbody></table>
<details><summary>Each of them</summary><table><thead><tr><th>at</th><th>function</th><th>kind</th><th>status</th><th>latency</th><th class="words">reason</th></tr></thead><tbody>${each.join('')}</tbody></table>${more > 0 ? `<p class="small">and ${more} more</p>` : ''}</details></section>`;
}

/** What the script shows of the second under the pointer. */
function hoverData({ perSecond, pods }: Figures) {
  return {
    seconds: perSecond.map(({ sent, failed, p50, p95, p99 }) => [sent, failed, p50, p95, p99]),
    pods: pods.map(({ functionName, points }) => ({
      name: functionName,
      points: points.map(({ at, desired, ready }) => [at, ready, desired]),
    })),
  };
}
