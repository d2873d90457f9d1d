import { leadsNowhere } from "./leads_nowhere.ts";

/** A path without links; `null` if there is nothing, or only something without a path of its own, such as a pipe. */
export async function realPathOrNull(path: string): Promise<string | null> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (leadsNowhere(error)) return null;
    throw error;
  }
}
