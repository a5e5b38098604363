// The programs that start a search server out of its libraries, as there are no packages of one to be had everywhere.

/** One server, by where its libraries are. */
export interface SearchEngine {
  readonly name: 'opensearch' | 'elasticsearch';
  readonly version: string;
  /** The least Java, which it is also compiled for. */
  readonly java: number;
  /** Group, artefact and version. */
  readonly libraries: readonly (readonly [string, string, string])[];
  /** Classes of plugins that are given to the node, where it takes them so. */
  readonly plugins: readonly string[];
}

const opensearchVersion = '2.19.5';
const elasticsearchVersion = '8.19.21';

/** OpenSearch 2, which has everything a test can want. */
export const opensearch: SearchEngine = {
  name: 'opensearch', version: opensearchVersion, java: 11,
  libraries: [
    ['org.opensearch', 'opensearch', opensearchVersion],
    ...['transport-netty4-client', 'analysis-common', 'reindex-client'].map((name) => ['org.opensearch.plugin', name, opensearchVersion] as const),
    ['org.apache.logging.log4j', 'log4j-core', '2.25.3'],
  ],
  plugins: ['org.opensearch.transport.Netty4Plugin', 'org.opensearch.analysis.common.CommonAnalysisPlugin', 'org.opensearch.index.reindex.ReindexPlugin'],
};

/** Elasticsearch 8, for what is different there. It comes without scripts and without reindexing. */
export const elasticsearch: SearchEngine = {
  name: 'elasticsearch', version: elasticsearchVersion, java: 17,
  libraries: [['org.elasticsearch', 'elasticsearch', elasticsearchVersion], ['org.elasticsearch.plugin', 'transport-netty4', elasticsearchVersion]],
  plugins: [],
};

/** A project for Maven that has just these libraries. */
export function projectOf({ libraries }: SearchEngine): string {
  const dependencies = libraries.map(([group, artefact, version]) => `<dependency><groupId>${group}</groupId><artifactId>${artefact}</artifactId><version>${version}</version></dependency>`);
  return `<project><modelVersion>4.0.0</modelVersion><groupId>syncline</groupId><artifactId>search</artifactId><version>1</version><packaging>pom</packaging><dependencies>${dependencies.join('')}</dependencies></project>\n`;
}

/** Sources by file name. */
export function sourcesOf(engine: SearchEngine): { readonly [file: string]: string } {
  const root = `org.${engine.name}`;
  return { 'Server.java': serverSource(root, engine.name === 'opensearch' ? opensearchNode : elasticsearchNode), ...(engine.name === 'elasticsearch' && { 'RootPlugin.java': rootPlugin }) };
}

/** What a folder of modules says of one of them. */
export function moduleDescriptor({ version, java }: SearchEngine, name: string, className: string): string {
  return `description=${name}\nversion=${version}\nname=${name}\njava.version=${java}\nelasticsearch.version=${version}\nclassname=${className}\n`;
}

const opensearchNode = `
    List<Class<? extends org.opensearch.plugins.Plugin>> plugins = new ArrayList<>();
    for (String name : System.getProperty("search.plugins").split(",")) plugins.add(Class.forName(name).asSubclass(org.opensearch.plugins.Plugin.class));
    return new Node(environment, plugins, false) {};`;

const elasticsearchNode = `
    var modules = org.elasticsearch.plugins.PluginsLoader.loadModulesBundles(Path.of(System.getProperty("search.modules")));
    return new Node(environment, org.elasticsearch.plugins.PluginsLoader.createPluginsLoader(modules, Set.of(), Map.of(), false));`;

function serverSource(root: string, node: string): string {
  return `
import ${root}.common.logging.LogConfigurator;
import ${root}.common.settings.Settings;
import ${root}.env.Environment;
import ${root}.http.HttpServerTransport;
import ${root}.node.InternalSettingsPreparer;
import ${root}.node.Node;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;

public final class Server {
  public static void main(String[] arguments) throws Exception {
    Path home = Path.of(arguments[0]).toAbsolutePath();
    Path config = Files.createDirectories(home.resolve("config"));
    Settings.Builder settings = Settings.builder()
      .put("path.home", home.toString()).put("path.data", home.resolve("data").toString()).put("path.logs", home.resolve("logs").toString())
      .put("cluster.name", "syncline").put("node.name", "one").put("discovery.type", "single-node")
      .put("network.host", "127.0.0.1").put("http.port", arguments[1]).put("transport.port", "0").put("http.type", "netty4").put("transport.type", "netty4")
      .put("action.auto_create_index", false).put("cluster.routing.allocation.disk.threshold_enabled", false);
    for (int i = 2; i + 1 < arguments.length; i += 2) settings.put(arguments[i], arguments[i + 1]);
    Settings made = settings.build();
    LogConfigurator.configureWithoutConfig(made);
    Node node = nodeIn(InternalSettingsPreparer.prepareEnvironment(made, Map.of(), config, () -> "one"));
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      try { node.close(); node.awaitClose(20, TimeUnit.SECONDS); } catch (Exception e) { e.printStackTrace(); }
    }));
    Thread watcher = new Thread(() -> {
      try { while (System.in.read() >= 0); } catch (Exception e) { }
      System.exit(0);
    });
    watcher.setDaemon(true);
    watcher.start();
    try { node.start(); } catch (Throwable e) { e.printStackTrace(); System.exit(1); }
    System.out.println("PORT " + node.injector().getInstance(HttpServerTransport.class).boundAddress().publishAddress().getPort());
    new CountDownLatch(1).await();
  }

  static Node nodeIn(Environment environment) throws Exception {${node}
  }
}
`;
}

// What answers at the root of Elasticsearch is in a module that cannot be had by itself.
const rootPlugin = `
import org.elasticsearch.Build;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.metadata.IndexNameExpressionResolver;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.cluster.service.ClusterService;
import org.elasticsearch.common.io.stream.NamedWriteableRegistry;
import org.elasticsearch.common.settings.*;
import org.elasticsearch.features.NodeFeature;
import org.elasticsearch.plugins.*;
import org.elasticsearch.rest.*;
import java.util.*;
import java.util.function.*;

public final class RootPlugin extends Plugin implements ActionPlugin {
  private volatile ClusterService cluster;
  @Override public Collection<?> createComponents(PluginServices services) { cluster = services.clusterService(); return List.of(); }
  @Override public Collection<RestHandler> getRestHandlers(Settings settings, NamedWriteableRegistry registry, RestController controller, ClusterSettings clusterSettings,
      IndexScopedSettings indexSettings, SettingsFilter filter, IndexNameExpressionResolver resolver, Supplier<DiscoveryNodes> nodes, Predicate<NodeFeature> features) {
    return List.of(new RestHandler() {
      @Override public List<Route> routes() { return List.of(new Route(RestRequest.Method.GET, "/")); }
      @Override public void handleRequest(RestRequest request, RestChannel channel, NodeClient client) throws Exception {
        channel.sendResponse(new RestResponse(RestStatus.OK, channel.newBuilder().startObject()
          .field("name", cluster.getNodeName()).field("cluster_uuid", cluster.state().metadata().clusterUUID())
          .startObject("version").field("number", Build.current().version()).endObject().endObject()));
      }
    });
  }
}
`;
