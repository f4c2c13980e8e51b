import { Argument, type Command } from 'commander';
import { jsonText } from '../log/printable.ts';
import type { JSON_SCHEMAS } from '../report/schemas/published.ts';

type DescribedOutput = keyof typeof JSON_SCHEMAS;

/** Listed here, because the schemas are only loaded when one of them is printed. */
export const DESCRIBED_OUTPUTS = [
  'snapshot',
  'freeze',
  'plan',
  'doctor',
  'run',
  'refusal',
  'status',
  'report-list',
  'manifest',
  'snapshots-list',
  'snapshots-verify',
  'snapshots-verify-deep',
  'snapshots-prune',
  'restore',
] as const satisfies readonly DescribedOutput[];

export function addSchemaCommand(program: Command): void {
  program
    .command('schema')
    .description('Print the JSON schema of the --json output of a command')
    .addArgument(
      new Argument(
        '<output>',
        'command whose output the schema describes; run: a kept run; manifest: what is stored beside the snapshots; refusal: a failure',
      ).choices(DESCRIBED_OUTPUTS),
    )
    .action(async (output: DescribedOutput) => {
      const { JSON_SCHEMAS } = await import('../report/schemas/published.ts');
      process.stdout.write(`${jsonText(JSON_SCHEMAS[output])}\n`);
    });
}
