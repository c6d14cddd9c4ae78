// Large bodies are decided about a few at a time. As text, and as what is made of it, one takes several times
// its bytes, and stays until Redis has answered: many at once would take all of a server's memory. Who waits
// has only the bytes that came.

const large = 1024 * 1024;
// Two of 8 MB. Beside a longer one nobody else is read.
const mostBytes = 16 * 1024 * 1024;
// Who follows an equal request in the cache may be at it for long, and must not keep others out for ever.
const longestWaitMs = 8000;

let open = 0;
const waiting = new Set<() => void>();

/** Decides now, or in the body's turn. @param bytes of the body */
export function inTurn<T>(bytes: number, decide: () => Promise<T>): Promise<T> {
  return bytes < large ? decide() : whenItCan(bytes, decide);
}

async function whenItCan<T>(bytes: number, decide: () => Promise<T>): Promise<T> {
  const until = performance.now() + longestWaitMs;
  while (open > 0 && open + bytes > mostBytes && (await turn(until)));
  open += bytes;
  try {
    return await decide();
  } finally {
    open -= bytes;
    for (const wake of waiting) wake();
  }
}

/** Settles when another one is done; false where that takes longer. */
function turn(until: number): Promise<boolean> {
  return new Promise((resolve) => {
    const go = (isFree: boolean) => {
      clearTimeout(timer);
      waiting.delete(wake);
      resolve(isFree);
    };
    const wake = () => go(true);
    const timer = setTimeout(go, until - performance.now(), false);
    waiting.add(wake);
  });
}
