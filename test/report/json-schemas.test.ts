import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { JSON_SCHEMAS } from '../../src/commands/schema.ts';
import type { DoctorReport } from '../../src/doctor/model.ts';
import { type FreezeSummary, summarizeFreeze } from '../../src/report/freeze-summary.ts';
import type { PlanSummary } from '../../src/report/plan-summary.ts';
import type { doctorReportSchema } from '../../src/report/schemas/doctor-report.ts';
import { freezeSummarySchema } from '../../src/report/schemas/freeze-summary.ts';
import type { planSummarySchema } from '../../src/report/schemas/plan-summary.ts';
import { runSummarySchema } from '../../src/report/schemas/run-summary.ts';
import { type RunSummary, summarize } from '../../src/report/summary.ts';
import { HeldOutput } from '../../src/snapshot/command/held-output.ts';
import { goodRecord } from '../backup/fixtures/records.ts';
import { suite } from '../suite.ts';
import { busyRecord } from './fixtures/runs.ts';
import { jsonSchemaText, SCHEMA_DIRECTORY, SCHEMAS } from './json-schemas.ts';

const test = suite('JSON schemas');

/** Fails to compile where a schema and the type of the output are not the same. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
type Frozen<T> = { readonly [Key in keyof T]: Frozen<T[Key]> };
const sameTypes: readonly true[] = [
  true satisfies Same<Frozen<v.InferOutput<typeof runSummarySchema>>, Frozen<RunSummary>>,
  true satisfies Same<Frozen<v.InferOutput<typeof freezeSummarySchema>>, Frozen<FreezeSummary>>,
  true satisfies Same<Frozen<v.InferOutput<typeof planSummarySchema>>, Frozen<PlanSummary>>,
  true satisfies Same<Frozen<v.InferOutput<typeof doctorReportSchema>>, Frozen<DoctorReport>>,
];

for (const [name, schema] of Object.entries(SCHEMAS)) {
  test(`that of ${name} is current (node test/report/json-schemas.ts writes them)`, () => {
    const kept = readFileSync(join(SCHEMA_DIRECTORY, `${name}.schema.json`), 'utf8');
    assert.equal(JSON.parse(kept), JSON.parse(jsonSchemaText(name, schema)));
  });
}

test('are of the very types of the outputs', () => {
  assert.ok(sameTypes.every(Boolean));
});

test('flashfreeze schema prints each of them', () => {
  assert.equal(Object.keys(JSON_SCHEMAS), Object.keys(SCHEMAS));
});

test('summaries conform, and an unknown field does not', () => {
  const summary = summarize(busyRecord(8));
  assert.ok(v.is(runSummarySchema, summary));
  assert.not.ok(v.is(runSummarySchema, { ...summary, more: 1 }));
  const command = { end: undefined, output: new HeldOutput() };
  assert.ok(v.is(freezeSummarySchema, summarizeFreeze(goodRecord(1), 'true', command)));
});

test.run();
