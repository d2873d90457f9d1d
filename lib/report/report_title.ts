import { sharedDirectory } from "../run/run_names.ts";

/** A title names this many runs; if there are more, it says how many. */
const MOST_NAMED = 3;

/** What a page on these runs shows, in one line. */
export function reportTitle(names: readonly string[], shortNames: readonly string[]): string {
  if (names.length === 1) return `Training run ${names[0]}`;
  const directory = sharedDirectory(names);
  const which = names.length <= MOST_NAMED ? shortNames.join(", ") : `${names.length} runs`;
  return directory === "" ? `Training runs: ${which}` : `Training runs in ${directory}: ${which}`;
}
