import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { DESCRIBED_OUTPUTS } from '../../src/commands/schema.ts';
import { summarizeFreeze } from '../../src/report/freeze-summary.ts';
import { freezeSummarySchema } from '../../src/report/schemas/freeze-summary.ts';
import { JSON_SCHEMAS } from '../../src/report/schemas/published.ts';
import { runSummarySchema } from '../../src/report/schemas/run-summary.ts';
import { summarize } from '../../src/report/summary.ts';
import { HeldOutput } from '../../src/snapshot/command/held-output.ts';
import { goodRecord } from '../backup/fixtures/records.ts';
import { suite } from '../suite.ts';
import { busyRecord } from './fixtures/runs.ts';
import { jsonSchemaText, SCHEMA_DIRECTORY, SCHEMAS } from './json-schemas.ts';

const test = suite('JSON schemas');

/** Paths of the fields, at any depth, that a JSON schema does not explain. */
function unexplained(schema: unknown, path: string): string[] {
  if (typeof schema !== 'object' || schema === null) {
    return [];
  }
  const fields = 'properties' in schema && !Array.isArray(schema) ? schema.properties : {};
  return [
    ...Object.entries(fields ?? {}).flatMap(([name, field]) =>
      isExplained(field) ? [] : [`${path}.${name}`],
    ),
    ...Object.entries(schema).flatMap(([key, part]) => unexplained(part, `${path}.${key}`)),
  ];
}

function isExplained(field: unknown): boolean {
  return (
    typeof field === 'object' &&
    field !== null &&
    'description' in field &&
    typeof field.description === 'string' &&
    /^\S.*\.$/.test(field.description)
  );
}

for (const [name, schema] of Object.entries(SCHEMAS)) {
  test(`that of ${name} is current (node test/report/json-schemas.ts writes them)`, () => {
    const kept = readFileSync(join(SCHEMA_DIRECTORY, `${name}.schema.json`), 'utf8');
    assert.equal(JSON.parse(kept), JSON.parse(jsonSchemaText(name, schema)));
  });
}

for (const [name, schema] of Object.entries(JSON_SCHEMAS)) {
  test(`that of ${name} explains itself and every field in a sentence`, () => {
    assert.ok(isExplained(schema));
    assert.equal(unexplained(schema, name), []);
  });
}

test('a field that is not explained is noticed, however deep it lies', () => {
  const explained = { description: 'A part.' };
  const schema = {
    properties: {
      good: explained,
      parts: { ...explained, items: { anyOf: [{ properties: { bad: { type: 'string' } } }] } },
    },
  };
  assert.equal(unexplained(schema, 'it'), ['it.properties.parts.items.anyOf.0.bad']);
});

test('flashfreeze schema prints each of them', () => {
  assert.equal(Object.keys(JSON_SCHEMAS), Object.keys(SCHEMAS));
  assert.equal([...DESCRIBED_OUTPUTS], Object.keys(SCHEMAS));
});

test('summaries conform, and an unknown field does not', () => {
  const summary = summarize(busyRecord(8));
  assert.ok(v.is(runSummarySchema, summary));
  assert.not.ok(v.is(runSummarySchema, { ...summary, more: 1 }));
  const command = { end: undefined, output: new HeldOutput() };
  assert.ok(v.is(freezeSummarySchema, summarizeFreeze(goodRecord(1), 'true', command)));
});

test.run();
