// What a power cut could undo: files and directories that were changed and not put on disk since.

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;
type Methods = Record<string, AnyFunction>;

const parentOf = (path: string) => path.slice(0, path.lastIndexOf("/")) || "/";

/**
 * Runs `body` and follows its calls.
 *
 * @param root Changes of paths below it count.
 * @param body Is given a function that says the same as the result, of the moment when it is called.
 * @returns The paths that are not on disk at the end (files by what was written, directories by the names in them), and
 *   the names that were given to something that was not on disk: it could turn up empty, or half-written.
 */
export async function unsyncedAfter(
  root: string,
  body: (now: () => string[]) => Promise<unknown>,
): Promise<string[]> {
  const unsynced = new Set<string>();
  const paths = new WeakMap<object, string>();
  const problems: string[] = [];
  const restore: (() => void)[] = [];
  const change = (path: unknown) => {
    if (String(path).startsWith(`${root}/`) || path === root) unsynced.add(String(path));
  };
  const patch = (methods: Methods, name: string, follow: (args: unknown[], self: unknown, result: unknown) => void) => {
    const original = methods[name];
    methods[name] = function (...args) {
      const result = original.apply(this, args);
      if (!(result instanceof Promise)) {
        follow(args, this, result);
        return result;
      }
      return result.then((value: unknown) => {
        follow(args, this, value);
        return value;
      });
    };
    restore.push(() => methods[name] = original);
  };
  const move = ([from, to]: unknown[], isLink: boolean) => {
    const inside = [...unsynced].filter((path) => path === from || path.startsWith(`${from}/`));
    if (inside.length > 0) problems.push(`${to} is named before it is on disk: ${inside}`);
    for (const path of inside) unsynced.delete(path);
    if (!isLink) change(parentOf(String(from)));
    change(parentOf(String(to)));
  };
  const api = Deno as unknown as Methods, file = Deno.FsFile.prototype as unknown as Methods;
  for (const name of ["open", "openSync"]) {
    patch(api, name, ([path, options], _, result) => {
      paths.set(result as object, String(path));
      const { create, createNew, truncate } = (options ?? {}) as Deno.OpenOptions;
      if (create || createNew) change(parentOf(String(path)));
      if (create || createNew || truncate) change(path);
    });
  }
  for (const name of ["write", "writeSync", "truncate"]) {
    patch(file, name, (_, self) => change(paths.get(self as object)));
  }
  for (const name of ["sync", "syncData"]) patch(file, name, (_, self) => unsynced.delete(paths.get(self as object)!));
  for (const name of ["writeFile", "writeTextFile", "truncate"]) {
    patch(api, name, ([path]) => {
      change(path);
      change(parentOf(String(path)));
    });
  }
  patch(api, "mkdir", ([path]) => change(parentOf(String(path))));
  // That a name is gone need not be on disk: what it led to is tidied again.
  patch(api, "remove", ([path]) => {
    for (const each of unsynced) if (each === path || each.startsWith(`${path}/`)) unsynced.delete(each);
  });
  patch(api, "rename", (args) => move(args, false));
  patch(api, "link", (args) => move(args, true));
  const now = () => [...problems, ...unsynced].sort();
  try {
    await body(now);
  } finally {
    for (const undo of restore) undo();
  }
  return now();
}
