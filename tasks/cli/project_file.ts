import { fileURLToPath } from "node:url";

const ROOT = new URL("../../", import.meta.url);

/** The path of a file of this project, from wherever the process is: in the project itself, as it is named. */
export function projectFile(name: string): string {
  const path = fileURLToPath(new URL(name, ROOT));
  const isHere = Deno.realPathSync(Deno.cwd()) === Deno.realPathSync(fileURLToPath(ROOT));
  return isHere ? name : path;
}
