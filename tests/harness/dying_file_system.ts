// A process that is killed between two system calls, played in this one.

/** Every call that changes what is on disk, or waits for it. */
const CALLS = [
  "open",
  "mkdir",
  "rename",
  "link",
  "remove",
  "writeFile",
  "writeTextFile",
  "truncate",
  "copyFile",
] as const;
const FILE_CALLS = ["write", "sync", "syncData", "truncate"] as const;

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;
/** An object whose methods are replaced. */
type Methods = Record<string, AnyFunction>;

/**
 * Runs `body` and kills it just before its `n`th call that changes the disk, counted from 0: that call and all later ones
 * never return, so no clean-up runs either, and the locks of the files it had open end. Of a `write` half the bytes
 * arrive.
 *
 * @returns Whether it was killed; false if `body` ended before.
 */
export async function killAtCall(n: number, body: () => Promise<unknown>): Promise<boolean> {
  const opened = new Set<Deno.FsFile>();
  const restore: (() => void)[] = [];
  let numCalls = 0;
  let die = () => {};
  const death = new Promise<true>((resolve) => die = () => resolve(true));
  const never = new Promise<never>(() => {});
  const patch = (methods: Methods, name: string, atDeath?: (self: unknown, args: unknown[]) => void) => {
    const original = methods[name];
    methods[name] = function (...args) {
      if (numCalls < n) {
        numCalls++;
        const result = original.apply(this, args);
        if (name !== "open") return result;
        return (result as Promise<Deno.FsFile>).then((file) => {
          opened.add(file);
          return file;
        });
      }
      if (numCalls++ === n) atDeath?.(this, args);
      die();
      return never;
    };
    restore.push(() => methods[name] = original);
  };
  for (const name of CALLS) patch(Deno as unknown as Methods, name);
  const file = Deno.FsFile.prototype;
  for (const name of FILE_CALLS) {
    patch(file as unknown as Methods, name, (self, [bytes]) => {
      if (name === "write") {
        (self as Deno.FsFile).writeSync((bytes as Uint8Array).subarray(0, (bytes as Uint8Array).length >> 1));
      }
    });
  }
  try {
    return await Promise.race([death, body().then(() => false)]);
  } finally {
    for (const undo of restore) undo();
    for (const file of opened) closeIfOpen(file);
  }
}

function closeIfOpen(file: Deno.FsFile): void {
  try {
    file.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/**
 * Kills `body` before each of its calls in turn, each time from the state that `prepare` makes, until it ends by itself.
 * @param check Called after each death, with the number of calls that were done.
 * @returns The number of deaths.
 */
export async function killAtEachCall(
  prepare: () => Promise<unknown>,
  body: () => Promise<unknown>,
  check: (numCalls: number) => Promise<void>,
): Promise<number> {
  for (let n = 0;; n++) {
    await prepare();
    if (!await killAtCall(n, body)) return n;
    await check(n);
  }
}
