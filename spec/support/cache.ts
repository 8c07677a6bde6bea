/** Has the specs around it keep what netrun caches in a folder of their own. */
export function cacheIn(folder: () => string): void {
  let before: string | undefined;
  beforeEach(() => {
    before = process.env["NETRUN_CACHE"];
    process.env["NETRUN_CACHE"] = folder();
  });
  afterEach(() => {
    if (before === undefined) delete process.env["NETRUN_CACHE"];
    else process.env["NETRUN_CACHE"] = before;
  });
}
