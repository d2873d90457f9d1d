/** The directory that a path is in: `.` for a bare name. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, slash) || "/";
}

/** A path without redundant parts (`//`, `/./`, and `/` or `/.` at the end), which would hide its last name. */
export function plainPath(path: string): string {
  const [first, ...others] = path.split("/");
  const plain = [first, ...others.filter((name) => name !== "" && name !== ".")].join("/");
  return plain === "" && others.length > 0 ? "/" : plain;
}

/** The last name in a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
