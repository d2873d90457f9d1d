import { leadsNowhere } from "./leads_nowhere.ts";

/** What a path leads to; `undefined` if there is nothing, or a link leads nowhere or back to itself. */
export async function statIfPresent(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (leadsNowhere(error)) return undefined;
    throw error;
  }
}
