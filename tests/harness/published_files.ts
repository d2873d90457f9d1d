/** The project's root. */
export const ROOT = new URL("../../", import.meta.url);

/** Paths, from the root, of the files that `deno publish` would upload. */
export async function publishedFiles(): Promise<string[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty", "--no-check"],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const printed = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  if (!success) throw new Error(`deno publish --dry-run failed: ${printed}`);
  return printed.split("\n").flatMap((line) => {
    const url = /^\s*(file:\S+) \([\d.]+[KMG]?B\)$/.exec(line)?.[1];
    return url === undefined ? [] : [url.slice(ROOT.href.length)];
  });
}

/** `exports` of deno.json: paths, from the root, by subpath. */
export async function exportedModules(): Promise<Map<string, string>> {
  const { exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  return new Map(Object.entries<string>(exports).map(([subpath, path]) => [subpath, path.replace(/^\.\//, "")]));
}
