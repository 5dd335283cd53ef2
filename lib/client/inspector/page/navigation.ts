import { Observable } from "./observable.ts";
import { fragmentOf, parseRoute, type Route } from "./route.ts";

/** Where the page is, as its URL says. */
export class Navigation extends Observable {
  #route: Route | null = parseRoute(location.hash);

  get route(): Route | null {
    return this.#route;
  }

  start(): void {
    addEventListener("popstate", () => {
      this.#route = parseRoute(location.hash);
      this.changed();
    });
  }

  /** Goes elsewhere; Back leads here again. */
  go(route: Route | null): void {
    if (fragmentOf(route) === fragmentOf(this.#route)) return;
    history.pushState(null, "", fragmentOf(route));
    this.#set(route);
  }

  /** Goes elsewhere in place of where the page is. */
  turn(route: Route | null): void {
    history.replaceState(null, "", fragmentOf(route));
    this.#set(route);
  }

  #set(route: Route | null): void {
    this.#route = route;
    this.changed();
  }
}
