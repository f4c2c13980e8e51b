import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { FlashfreezeError } from '../../../src/errors.ts';
import { interpretSettings } from '../../../src/extension/settings/task-settings.ts';
import type { TaskSettings } from '../../../src/extension/task-types.ts';

export type Members = Readonly<Record<string, unknown>>;

export function encode(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return Buffer.from(text, 'utf8').toString('base64');
}

export const METADATA = [{ Key: 'backupTaskId', Value: '1' }];

/** Settings of a snapshot with everything that is required, and more. */
export function read(more: Members = {}, object: Members = {}, secret: Members = {}): TaskSettings {
  const objectStr = encode({ backupMetadata: METADATA, ...object });
  return interpretSettings({ commandToExecute: 'snapshot', objectStr, ...more }, secret);
}

export function refused(interpret: () => unknown, message: RegExp): void {
  assert.throws(interpret, (error) => {
    assert.ok(error instanceof FlashfreezeError, inspect(error));
    assert.equal(error.code, 'FF_SETTINGS_INVALID');
    assert.match(error.message, message);
    assert.doesNotMatch(inspect(error), /geheim/);
    return true;
  });
}
