import { leadsNowhere } from "./leads_nowhere.ts";

/** A path without links; `null` if nothing is there, or only what has no path of its own, such as a pipe. */
export async function realPathOrNull(path: string): Promise<string | null> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (leadsNowhere(error)) return null;
    throw error;
  }
}
