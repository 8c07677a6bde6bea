package netrun.spark;

import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import scala.Option;

/**
 * Methods of Spark's block managers, which are not of its public interface: Spark 4.3 has put parameters of its own between those of 4.0
 * to 4.2. They are found by name, and get "none" and "false" for what is not given.
 */
final class Internals {
  private static final Map<String, Executable> known = new ConcurrentHashMap<>();

  private Internals() {}

  /** Calls a public method that has one form. */
  static Object call(Object target, String name, Object... given) {
    Class<?> type = target.getClass();
    Method method = (Method) known.computeIfAbsent(type.getName() + "." + name, key -> {
      for (Method each : type.getMethods()) if (each.getName().equals(name) && !each.isBridge()) return each;
      throw new IllegalStateException("this Spark has no " + key);
    });
    try {
      return method.invoke(target, arguments(method, given));
    } catch (InvocationTargetException e) {
      throw thrown(e);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("this Spark has another " + type.getName() + "." + name, e);
    }
  }

  /** Makes an object of a class that has one constructor. */
  static Object make(Class<?> type, Object... given) {
    Constructor<?> constructor = type.getConstructors()[0];
    try {
      return constructor.newInstance(arguments(constructor, given));
    } catch (InvocationTargetException e) {
      throw thrown(e);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("this Spark has another " + type.getName(), e);
    }
  }

  private static Object[] arguments(Executable executable, Object[] given) {
    Class<?>[] types = executable.getParameterTypes();
    Object[] all = new Object[types.length];
    int next = 0;
    for (int i = 0; i < types.length; i++) {
      if (next < given.length && fits(types[i], given[next])) all[i] = given[next++];
      else if (types[i] == Option.class) all[i] = Option.empty();
      else if (types[i] == boolean.class) all[i] = false;
      else throw new IllegalStateException("this Spark has another " + executable);
    }
    if (next < given.length) throw new IllegalStateException("this Spark has another " + executable);
    return all;
  }

  private static boolean fits(Class<?> type, Object value) {
    if (type == boolean.class) return value instanceof Boolean;
    if (type == long.class) return value instanceof Long;
    return type.isInstance(value);
  }

  private static RuntimeException thrown(InvocationTargetException e) {
    Throwable cause = e.getCause();
    if (cause instanceof Error error) throw error;
    return cause instanceof RuntimeException known ? known : new IllegalStateException(cause);
  }
}
