/** The version of bytelm, as in deno.json: written into what it makes. */
export const VERSION = "0.1.0";
