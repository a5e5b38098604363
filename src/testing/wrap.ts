/**
 * A store, or anything else with members, with some of them replaced. Everything else is passed on, also what it can do
 * beyond its interface, so that a wrapper never hides an ability by forgetting it.
 */
export function wrap<Place extends object>(place: Place, over: Partial<Place>): Place {
  return new Proxy(place, {
    get(target, name) {
      if (Object.hasOwn(over, name)) return (over as { [name: string | symbol]: unknown })[name];
      // Private fields belong to the place itself: neither getters nor methods may see the proxy as `this`.
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
    has: (target, name) => name in over || name in target,
  });
}
