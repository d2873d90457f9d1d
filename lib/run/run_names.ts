/** Paths, shortened as far as they stay distinct: without the directories that they have in common. */
export function distinguishingNames(paths: readonly string[]): string[] {
  if (paths.length < 2) return [...paths];
  const parts = paths.map((path) => path.split("/"));
  const most = Math.min(...parts.map(({ length }) => length)) - 1;
  let shared = 0;
  while (shared < most && parts.every((path) => path[shared] === parts[0][shared])) shared++;
  return parts.map((path) => path.slice(shared).join("/"));
}

/** The directory that several paths have in common; empty if there is none, or only the root. */
export function sharedDirectory(paths: readonly string[]): string {
  if (paths.length < 2) return "";
  const [first] = paths;
  return first.slice(0, first.length - distinguishingNames(paths)[0].length).replace(/\/+$/, "");
}
