/** The version of bytelm, as in deno.json. It is recorded in the files that bytelm writes. */
export const VERSION = "0.1.0";
