import { suite as uvuSuite } from 'uvu';

/** Most a test may take when it does not say otherwise. */
export const DEFAULT_TIME_LIMIT_MS = 30_000;

export interface TestOptions {
  readonly timeLimitMs?: number;
}

export interface Suite {
  (name: string, body: () => Promise<void> | void, options?: TestOptions): void;
  run(): void;
}

/**
 * A uvu suite whose tests end: uvu has no time limit of its own, and a throw in its `before` or
 * `after.each` prints green. So there are no hooks here: set up and tear down inside the test
 * (`await using`, `try/finally`), which fails where it should.
 */
export function suite(name: string): Suite {
  const inner = uvuSuite(name);
  const add = (
    testName: string,
    body: () => Promise<void> | void,
    { timeLimitMs = DEFAULT_TIME_LIMIT_MS }: TestOptions = {},
  ): void => {
    inner(testName, () => withTimeLimit(body, timeLimitMs, testName));
  };
  return Object.assign(add, { run: () => inner.run() });
}

async function withTimeLimit(
  body: () => Promise<void> | void,
  timeLimitMs: number,
  testName: string,
): Promise<void> {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`"${testName}" did not end within ${timeLimitMs} ms`)),
    timeLimitMs,
  );
  try {
    await Promise.race([Promise.resolve().then(body), expired]);
  } finally {
    clearTimeout(timer);
  }
}
