// The programs that start a search server out of its libraries, as there are no packages of one to be had everywhere.

/** One server, by where its libraries are. */
export interface SearchEngine {
  readonly name: 'opensearch' | 'elasticsearch' | 'elasticsearch-secured';
  /** Of which its classes are. */
  readonly family: 'opensearch' | 'elasticsearch';
  readonly version: string;
  /** The least Java, which it is also compiled for. */
  readonly java: number;
  /** Group, artefact and version; `alone`: without what it names in turn. */
  readonly libraries: readonly (readonly [group: string, name: string, version: string, alone?: 'alone'])[];
  /** Classes of plugins that are given to the node, where it takes them so. */
  readonly plugins: readonly string[];
  /** Folders of modules that it looks for. */
  readonly modules: readonly SearchModule[];
}

/** A folder of libraries that a server loads by themselves. */
export interface SearchModule {
  readonly name: string;
  readonly className: string;
  /** The files of the libraries that belong to it. */
  readonly files: RegExp;
  /** The module whose classes it sees. */
  readonly within?: string;
}

const opensearchVersion = '2.19.5';
const elasticsearchVersion = '8.19.21';

/** OpenSearch 2, which has everything a test can want. */
export const opensearch: SearchEngine = {
  name: 'opensearch', family: 'opensearch', version: opensearchVersion, java: 11,
  libraries: [
    ['org.opensearch', 'opensearch', opensearchVersion],
    ...['transport-netty4-client', 'analysis-common', 'reindex-client'].map((name) => ['org.opensearch.plugin', name, opensearchVersion] as const),
    ['org.apache.logging.log4j', 'log4j-core', '2.25.3'],
  ],
  plugins: ['org.opensearch.transport.Netty4Plugin', 'org.opensearch.analysis.common.CommonAnalysisPlugin', 'org.opensearch.index.reindex.ReindexPlugin'],
  modules: [],
};

/** Elasticsearch 8, for what is different there. It comes without scripts and without reindexing. */
export const elasticsearch: SearchEngine = {
  name: 'elasticsearch', family: 'elasticsearch', version: elasticsearchVersion, java: 17,
  libraries: [['org.elasticsearch', 'elasticsearch', elasticsearchVersion], ['org.elasticsearch.plugin', 'transport-netty4', elasticsearchVersion]],
  plugins: [],
  modules: [{ name: 'transport-netty4', className: 'org.elasticsearch.transport.netty4.Netty4Plugin', files: /^(?:netty-|transport-netty4-)/ }],
};

const coreNames = ['x-pack-core', 'x-pack-template-resources', 'httpclient', 'httpcore', 'httpcore-nio', 'httpasyncclient', 'commons-codec', 'commons-logging', 'log4j-1.2-api', 'log4j-slf4j2-impl', 'slf4j-api', 'unboundid-ldapsdk'];
const samlNames = ['core', 'messaging-api', 'messaging-impl', 'profile-api', 'profile-impl', 'saml-api', 'saml-impl', 'security-impl', 'soap-api', 'soap-impl', 'storage-api', 'xmlsec-api', 'xmlsec-impl'];

// What the security of Elasticsearch is made of, one by one: not all that it names is to be had, and logins from elsewhere are not tried.
const securityLibraries: SearchEngine['libraries'] = [
  ...['x-pack-core', 'x-pack-security', 'x-pack-template-resources', 'es-opensaml-security-api'].map((name) => ['org.elasticsearch.plugin', name, elasticsearchVersion] as const),
  ...samlNames.map((name) => ['org.opensaml', `opensaml-${name}`, '4.0.1'] as const),
  ['commons-codec', 'commons-codec', '1.15'], ['commons-logging', 'commons-logging', '1.2'],
  ['org.apache.httpcomponents', 'httpasyncclient', '4.1.5'], ['org.apache.httpcomponents', 'httpclient', '4.5.14'], ['org.apache.httpcomponents', 'httpclient-cache', '4.5.14'], ['org.apache.httpcomponents', 'httpcore', '4.4.16'], ['org.apache.httpcomponents', 'httpcore-nio', '4.4.16'],
  ['org.apache.logging.log4j', 'log4j-1.2-api', '2.26.1'], ['org.apache.logging.log4j', 'log4j-slf4j2-impl', '2.26.1'], ['org.slf4j', 'slf4j-api', '2.0.17'], ['com.unboundid', 'unboundid-ldapsdk', '7.0.3'],
  ['net.minidev', 'accessors-smart', '2.5.2'], ['net.minidev', 'json-smart', '2.5.2'], ['org.ow2.asm', 'asm', '9.10.1'], ['org.bouncycastle', 'bcprov-jdk15on', '1.64'], ['org.cryptacular', 'cryptacular', '1.2.5'],
  ['com.google.guava', 'failureaccess', '1.0.1'], ['com.google.guava', 'guava', '32.0.1-jre'], ['com.sun.mail', 'jakarta.mail', '1.6.3'], ['net.shibboleth.utilities', 'java-support', '8.0.0'],
  ['joda-time', 'joda-time', '2.10.10'], ['io.dropwizard.metrics', 'metrics-core', '4.1.4'], ['org.apache.santuario', 'xmlsec', '2.3.4'],
  ['com.nimbusds', 'content-type', '2.3'], ['com.nimbusds', 'lang-tag', '1.7'], ['com.nimbusds', 'nimbus-jose-jwt', '10.0.2'], ['com.nimbusds', 'oauth2-oidc-sdk', '11.22.2'],
].map(([group = '', name = '', version = '']) => [group, name, version, 'alone'] as const);

const filesOf = (names: readonly string[]): RegExp => new RegExp(`^(?:${names.join('|')})-\\d`);

/** The same with its own security: TLS, users, roles, and keys. */
export const securedElasticsearch: SearchEngine = {
  ...elasticsearch, name: 'elasticsearch-secured',
  libraries: [...elasticsearch.libraries, ...securityLibraries],
  modules: [
    { name: 'x-pack-core', className: 'org.elasticsearch.xpack.core.XPackPlugin', files: filesOf(coreNames) },
    { name: 'x-pack-security', className: 'org.elasticsearch.xpack.security.Security', files: filesOf(['netty-.*', 'transport-netty4', ...securityLibraries.map(([, name]) => name)]), within: 'x-pack-core' },
  ],
};

/** A project for Maven that has just these libraries. */
export function projectOf({ libraries }: SearchEngine): string {
  const dependencies = libraries.map(([group, artefact, version, alone]) => `<dependency><groupId>${group}</groupId><artifactId>${artefact}</artifactId><version>${version}</version>${alone ? '<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>' : ''}</dependency>`);
  return `<project><modelVersion>4.0.0</modelVersion><groupId>syncline</groupId><artifactId>search</artifactId><version>1</version><packaging>pom</packaging><dependencies>${dependencies.join('')}</dependencies></project>\n`;
}

/** Sources by file name. */
export function sourcesOf(engine: SearchEngine): { readonly [file: string]: string } {
  const root = `org.${engine.family}`;
  const source = serverSource(root, engine.family === 'opensearch' ? opensearchNode : elasticsearchNode);
  if (engine.family === 'opensearch') return { 'Server.java': source };
  return engine.name === 'elasticsearch' ? { 'Server.java': source, 'RootPlugin.java': rootPlugin } : { 'Server.java': source.replace('Settings made =', `${passwordSource}$&`), 'RootPlugin.java': rootPlugin.replace('implements ActionPlugin {', `implements ActionPlugin, AnalysisPlugin {${analysisSource}`).replace('import java.util.*;', `${analysisImports}$&`) };
}

/** What a folder of modules says of one of them. */
export function moduleDescriptor({ version, java }: SearchEngine, { name, className, within }: Omit<SearchModule, 'files'>): string {
  return `description=${name}\nversion=${version}\nname=${name}\njava.version=${java}\nelasticsearch.version=${version}\nclassname=${className}\n${within === undefined ? '' : `extended.plugins=${within}\n`}`;
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

// The password of the first user comes from where secrets are kept.
const passwordSource = `var secrets = org.elasticsearch.common.settings.KeyStoreWrapper.create();
    secrets.setString("bootstrap.password", System.getenv("SEARCH_PASSWORD").toCharArray());
    settings.setSecureSettings(secrets);
    `;

// What the index of users is analyzed by is in a module that cannot be had by itself, and changes nothing of what is tried.
const analysisSource = `
  @Override public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
    AnalysisProvider<TokenFilterFactory> same = (index, environment, name, settings) -> new TokenFilterFactory() {
      @Override public String name() { return name; }
      @Override public TokenStream create(TokenStream stream) { return stream; }
    };
    return Map.of("pattern_capture", same, "unique", same);
  }
  @Override public Map<String, AnalysisProvider<TokenizerFactory>> getTokenizers() {
    return Map.of("uax_url_email", (index, environment, name, settings) -> TokenizerFactory.newFactory(name, KeywordTokenizer::new));
  }`;
const analysisImports = `import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.core.KeywordTokenizer;
import org.elasticsearch.index.analysis.*;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
`;
