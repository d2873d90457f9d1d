import { leadsNowhere } from "./leads_nowhere.ts";

/** What a path leads to; `null` if there is nothing, or a link leads nowhere or back to itself. */
export async function statOrNull(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (leadsNowhere(error)) return null;
    throw error;
  }
}
