// Shows the figures of the second under the pointer. The page is whole without it.
const data = JSON.parse(document.getElementById('data').textContent);
const tip = document.getElementById('tip');
const ms = (value) => (value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${value.toFixed(value < 10 ? 1 : 0)} ms`);
const clock = (second) => `${Math.floor(second / 60)}:${String(second % 60).padStart(2, '0')}`;

for (const svg of document.querySelectorAll('svg[data-figure]')) {
  const { left, right, seconds } = svg.dataset;
  const pointer = svg.querySelector('.pointer');
  svg.addEventListener('pointermove', (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    const at = ((x - left) / (right - left)) * seconds;
    const second = Math.floor(at);
    const figures = data.seconds[second];
    const shown = at >= 0 && figures !== undefined;
    tip.hidden = !shown;
    pointer.style.opacity = shown ? 1 : 0;
    if (!shown) return;
    for (const end of ['x1', 'x2']) pointer.setAttribute(end, x);
    const [sent, failed, p50, p95, p99] = figures;
    const pods = data.pods
      .map(({ name, points }) => [name, points.findLast(([since]) => since <= at)])
      .filter(([, point]) => point !== undefined && (point[1] > 0 || point[2] > 0))
      .map(([name, [, ready, wanted]]) => `${name}  ${ready}/${wanted} pods`);
    const latency = sent > 0 ? [`p50 ${ms(p50)}  p95 ${ms(p95)}  p99 ${ms(p99)}`] : [];
    tip.textContent = [`${clock(second)}  ${sent} requests${failed > 0 ? `, ${failed} failed` : ''}`, ...latency, ...pods].join('\n');
    const room = window.innerWidth - event.clientX > 320;
    tip.style.left = room ? `${event.pageX + 16}px` : '';
    tip.style.right = room ? '' : `${document.documentElement.clientWidth - event.pageX + 16}px`;
    tip.style.top = `${event.pageY + 12}px`;
  });
  svg.addEventListener('pointerleave', () => {
    tip.hidden = true;
    pointer.style.opacity = 0;
  });
}
