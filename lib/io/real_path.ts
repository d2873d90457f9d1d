import { leadsNowhere } from "./leads_nowhere.ts";

/**
 * A path without links; `undefined` if there is nothing, or only something without a path of its own, such as a pipe.
 */
export async function realPathIfPresent(path: string): Promise<string | undefined> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (leadsNowhere(error)) return undefined;
    throw error;
  }
}
