import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.leshan.core.endpoint.Protocol;
import org.eclipse.leshan.core.request.ContentFormat;
import org.eclipse.leshan.core.request.ObserveRequest;
import org.eclipse.leshan.core.request.ReadRequest;
import org.eclipse.leshan.server.LeshanServerBuilder;
import org.eclipse.leshan.server.registration.Registration;
import org.eclipse.leshan.transport.californium.server.endpoint.CaliforniumServerEndpointsProvider;
import org.eclipse.leshan.transport.californium.server.endpoint.coap.CoapServerProtocolProvider;

/**
 * Leshan with its own stores in memory and nothing else. Commands on standard input: {@code read WINDOW} reads /3/0 of each
 * registered device in turn for ever, {@code observe PATH WINDOW} observes one path of each once, {@code memory} tells the heap
 * in use after a full collection.
 */
public final class LeshanServer {
  private static org.eclipse.leshan.server.LeshanServer server;

  private static List<Registration> registrations() {
    List<Registration> found = new ArrayList<>();
    for (Iterator<Registration> all = server.getRegistrationStore().getAllRegistrations(); all.hasNext(); ) {
      Registration registration = all.next();
      if (registration.getEndpoint().contains("bench-")) found.add(registration);
    }
    return found;
  }

  private static void readForEver(List<Registration> devices, AtomicInteger next) {
    Registration device = devices.get(Math.floorMod(next.getAndIncrement(), devices.size()));
    server.send(
        device,
        new ReadRequest(ContentFormat.TLV, 3, 0),
        2000,
        response -> readForEver(devices, next),
        failure -> readForEver(devices, next));
  }

  private static void observeNext(List<Registration> devices, AtomicInteger next, AtomicInteger left, String path) {
    int turn = next.getAndIncrement();
    if (turn >= devices.size()) return;
    Runnable done =
        () -> {
          if (left.decrementAndGet() == 0) System.out.println("observed");
          observeNext(devices, next, left, path);
        };
    server.send(
        devices.get(turn),
        new ObserveRequest(ContentFormat.TLV, path),
        2000,
        response -> done.run(),
        failure -> done.run());
  }

  private static void tellMemory() throws InterruptedException {
    for (int i = 0; i < 3; i++) {
      System.gc();
      Thread.sleep(200);
    }
    Runtime runtime = Runtime.getRuntime();
    System.out.println("{\"heap\":" + (runtime.totalMemory() - runtime.freeMemory()) + ",\"external\":0}");
  }

  public static void main(String[] args) throws Exception {
    CaliforniumServerEndpointsProvider.Builder endpoints =
        new CaliforniumServerEndpointsProvider.Builder(new CoapServerProtocolProvider());
    endpoints.addEndpoint(
        new InetSocketAddress(InetAddress.getByName("127.0.0.1"), Integer.parseInt(args[0])), Protocol.COAP);
    LeshanServerBuilder builder = new LeshanServerBuilder();
    builder.setEndpointsProviders(endpoints.build());
    server = builder.build();
    server.start();
    System.out.println("ready");
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] words = line.split(" ");
      List<Registration> devices = registrations();
      AtomicInteger next = new AtomicInteger();
      if (words[0].equals("read")) {
        for (int i = 0; i < Integer.parseInt(words[1]); i++) readForEver(devices, next);
      } else if (words[0].equals("observe")) {
        AtomicInteger left = new AtomicInteger(devices.size());
        for (int i = 0; i < Integer.parseInt(words[2]); i++) observeNext(devices, next, left, words[1]);
      } else if (words[0].equals("memory")) {
        tellMemory();
      }
    }
    System.exit(0);
  }
}
