import * as assert from 'uvu/assert';
import { changeBetween } from '../../src/backup/verify-storage.ts';
import { suite } from '../suite.ts';
import { goodRecord } from './fixtures/records.ts';

const test = suite('same plan');
const { plan } = goodRecord(2);
const [first] = plan.fileSystems;
const onlyFirst = { fileSystems: first === undefined ? [] : [first] };

test('there is no change where the same file systems are frozen', () => {
  assert.is(changeBetween(plan, plan), undefined);
});

test('what came is named', () => {
  assert.is(changeBetween(onlyFirst, plan), '/data/1 was mounted');
});

test('what went is named, with what may have become of it', () => {
  assert.is(
    changeBetween(plan, onlyFirst),
    '/data/1 was unmounted, remounted read-only or covered',
  );
});

test('of an exchange the new one is named', () => {
  const [, second] = plan.fileSystems;
  const onlySecond = { fileSystems: second === undefined ? [] : [second] };
  assert.is(changeBetween(onlyFirst, onlySecond), '/data/1 was mounted');
});

test.run();
