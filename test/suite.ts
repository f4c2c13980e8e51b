import { suite as uvuSuite } from 'uvu';

/** A test that takes longer hangs; however busy the machine is, none takes as long as this. */
const TIME_LIMIT_MS = 600_000;

export interface Suite {
  (name: string, body: () => Promise<void> | void): void;
  run(): void;
}

/**
 * A uvu suite whose tests end: uvu has no time limit of its own, and a throw in its `before` or
 * `after.each` prints green. So there are no hooks here: set up and tear down inside the test
 * (`await using`, `try/finally`), which fails where it should.
 */
export function suite(name: string): Suite {
  const inner = uvuSuite(name);
  const add = (testName: string, body: () => Promise<void> | void): void => {
    inner(testName, () => withTimeLimit(body, testName));
  };
  return Object.assign(add, { run: () => inner.run() });
}

async function withTimeLimit(body: () => Promise<void> | void, testName: string): Promise<void> {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`"${testName}" did not end within ${TIME_LIMIT_MS} ms`)),
    TIME_LIMIT_MS,
  );
  try {
    await Promise.race([Promise.resolve().then(body), expired]);
  } finally {
    clearTimeout(timer);
  }
}
