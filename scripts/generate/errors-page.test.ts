import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { authRefusals } from '../../functions/auth/refusals.ts';
import { recordsRefusals } from '../../functions/records/refusals.ts';
import { fieldFaults } from '../../functions/runtime/field-faults.ts';
import { commonRefusals } from '../../functions/runtime/refusal.ts';
import { domainFieldFaults, renderErrorsHtml, renderErrorsPage } from './errors-page.ts';

const tables = {
  refusals: [
    { title: 'Every function', table: commonRefusals },
    { title: 'Auth', table: authRefusals },
    { title: 'Records', table: recordsRefusals },
  ],
  fieldFaults: { ...fieldFaults, ...domainFieldFaults },
};
const reasons = [...tables.refusals.flatMap(({ table }) => Object.keys(table)), ...Object.keys(tables.fieldFaults)];

test('each reason has one anchor of its own name, in Markdown and in HTML', () => {
  for (const page of [renderErrorsPage(tables), renderErrorsHtml(tables)]) {
    const anchors = [...page.matchAll(/ id="([A-Z_]+)"/g)].map((match) => match[1]);
    assert.deepEqual(anchors, reasons);
    assert.equal(new Set(anchors).size, anchors.length, 'no anchor twice');
  }
});

test('a row says the reason in both dialects, its sentence, and when to try again', () => {
  const page = renderErrorsPage({
    refusals: [{ title: 'T', table: { TOO_BUSY: { grpc: 'RESOURCE_EXHAUSTED', http: 429, says: 'Too much.', retryAfterSeconds: 2 } } }],
    fieldFaults: {},
  });
  assert.match(page, /\| <a id="TOO_BUSY"><\/a>`TOO_BUSY` \| 429 \| `RESOURCE_EXHAUSTED` \| Too much\. \| after 2 s \|/);
});

test('every reason that a domain gives a field is described, and none that nobody gives', () => {
  const sources = globSync('functions/{auth,records}/**/*.ts', { cwd: new URL('../..', import.meta.url) })
    .filter((file) => !file.endsWith('.test.ts'))
    .map((file) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8'))
    .join('\n');
  // A domain names a reason where it adds a fault, makes a violation, or hands one to a parser of fields.
  const adding = /(?:\.add\([^;]*?|reason: |violation\(|formField\([^;]*?|textField\([^;]*?),?\s*'([A-Z][A-Z_]+)'/g;
  const given = new Set([...sources.matchAll(adding)].map((match) => match[1] as string));
  const unknown = [...given].filter((reason) => !(reason in tables.fieldFaults));
  assert.deepEqual(unknown, [], 'describe it in domainFieldFaults (scripts/generate/errors-page.ts)');
  const unused = Object.keys(domainFieldFaults).filter((reason) => !sources.includes(`'${reason}'`));
  assert.deepEqual(unused, [], 'remove it from domainFieldFaults');
});
