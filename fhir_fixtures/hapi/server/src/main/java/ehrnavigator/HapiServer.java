package ehrnavigator;

import ca.uhn.fhir.batch2.jobs.config.Batch2JobsConfig;
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.config.ThreadPoolFactoryConfig;
import ca.uhn.fhir.jpa.api.dao.DaoRegistry;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.batch2.JpaBatch2Config;
import ca.uhn.fhir.jpa.binary.api.IBinaryStorageSvc;
import ca.uhn.fhir.jpa.binstore.DatabaseBinaryContentStorageSvcImpl;
import ca.uhn.fhir.jpa.config.HapiJpaConfig;
import ca.uhn.fhir.jpa.config.r4.JpaR4Config;
import ca.uhn.fhir.jpa.config.util.HapiEntityManagerFactoryUtil;
import ca.uhn.fhir.jpa.model.config.PartitionSettings;
import ca.uhn.fhir.jpa.model.config.SubscriptionSettings;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirPostgresDialect;
import ca.uhn.fhir.jpa.provider.IJpaSystemProvider;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.provider.ValueSetOperationProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.jpa.subscription.channel.config.SubscriptionChannelConfig;
import ca.uhn.fhir.jpa.subscription.submit.config.SubscriptionSubmitterConfig;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.interceptor.SearchPreferHandlingInterceptor;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import ca.uhn.fhir.storage.interceptor.balp.BalpAuditCaptureInterceptor;
import com.zaxxer.hikari.HikariDataSource;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import jakarta.persistence.EntityManagerFactory;
import java.io.IOException;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import org.hl7.fhir.r4.model.AuditEvent;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.Banner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.autoconfigure.web.embedded.EmbeddedWebServerFactoryCustomizerAutoConfiguration;
import org.springframework.boot.autoconfigure.web.servlet.ServletWebServerFactoryAutoConfiguration;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.boot.web.servlet.context.ServletWebServerApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Lazy;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;

/**
 * A HAPI FHIR JPA R4 server at /fhir with HAPI's own BALP audit.
 *
 * <p>JDBC_URL, JDBC_USER and JDBC_PASSWORD name the PostgreSQL database, without them it runs one of its own,
 * whose data are deleted with it; --server.port (0: any free one) the port. When it
 * answers, it writes "port N" on standard output. A line on its standard input starts the audit (filling the
 * server with charts is no access to them), which it confirms by "auditing"; when its standard input is closed,
 * it ends, so that it never outlives the process that started it.
 */
@Configuration
@Import({
    JpaR4Config.class,
    HapiJpaConfig.class,
    ThreadPoolFactoryConfig.class,
    JpaBatch2Config.class,
    Batch2JobsConfig.class,
    SubscriptionChannelConfig.class,
    SubscriptionSubmitterConfig.class
})
@ImportAutoConfiguration({
    ServletWebServerFactoryAutoConfiguration.class,
    EmbeddedWebServerFactoryCustomizerAutoConfiguration.class
})
public class HapiServer {

    public static void main(String[] arguments) throws IOException {
        SpringApplication application = new SpringApplication(HapiServer.class);
        application.setAllowCircularReferences(true);
        application.setBannerMode(Banner.Mode.OFF);
        // Searches carry a bare | between system and code, which Tomcat would refuse.
        application.setDefaultProperties(
                Map.of("server.address", "127.0.0.1", "server.tomcat.relaxed-query-chars", "|"));
        var context = (ServletWebServerApplicationContext) application.run(arguments);
        System.out.println("port " + context.getWebServer().getPort());
        while (System.in.read() >= 0) {
            context.getBean(BalpAudit.Sink.class).open();
            System.out.println("auditing");
        }
        System.exit(SpringApplication.exit(context));
    }

    @Bean
    JpaStorageSettings storageSettings() {
        var settings = new JpaStorageSettings();
        settings.setAllowExternalReferences(true);
        settings.setAllowContainsSearches(true);
        // Synthetic charts hold references to types that the definitions do not list (HAPI-0931).
        settings.setEnforceReferenceTargetTypes(false);
        // The AuditEvents that name a record are found among the conflicts of its deletion (BalpAudit.Deletes).
        settings.setMaximumDeleteConflictQueryCount(10_000);
        return settings;
    }

    @Bean
    PartitionSettings partitionSettings() {
        return new PartitionSettings();
    }

    @Bean
    SubscriptionSettings subscriptionSettings() {
        return new SubscriptionSettings();
    }

    @Bean
    IBinaryStorageSvc binaryStorage() {
        return new DatabaseBinaryContentStorageSvcImpl();
    }

    @Bean(destroyMethod = "close")
    @Lazy
    EmbeddedPostgres ownDatabase() throws IOException {
        return EmbeddedPostgres.start();
    }

    @Bean(destroyMethod = "close")
    HikariDataSource dataSource(ObjectProvider<EmbeddedPostgres> ownDatabase) {
        var source = new HikariDataSource();
        source.setJdbcUrl(Objects.requireNonNullElseGet(
                System.getenv("JDBC_URL"), () -> ownDatabase.getObject().getJdbcUrl("postgres", "postgres")));
        source.addDataSourceProperty("reWriteBatchedInserts", "true");
        // A plan for any patient walks all of a chart's links: 20 to 300 ms where one for this patient takes 1.
        source.addDataSourceProperty("options", "-c plan_cache_mode=force_custom_plan");
        source.setUsername(System.getenv("JDBC_USER"));
        source.setPassword(System.getenv("JDBC_PASSWORD"));
        return source;
    }

    @Bean
    LocalContainerEntityManagerFactoryBean entityManagerFactory(
            HikariDataSource source,
            ConfigurableListableBeanFactory beans,
            FhirContext fhir,
            JpaStorageSettings settings) {
        var properties = new Properties();
        properties.put("hibernate.dialect", HapiFhirPostgresDialect.class.getName());
        properties.put("hibernate.hbm2ddl.auto", "update");
        properties.put("hibernate.search.enabled", "false");
        // Rows are sent in batches: a record has dozens in the index, and each would be a round trip.
        properties.put("hibernate.jdbc.batch_size", "100");
        properties.put("hibernate.order_inserts", "true");
        properties.put("hibernate.order_updates", "true");
        var factory = HapiEntityManagerFactoryUtil.newEntityManagerFactory(beans, fhir, settings);
        factory.setPersistenceUnitName("HAPI_PU");
        factory.setDataSource(source);
        factory.setJpaProperties(properties);
        return factory;
    }

    @Bean
    JpaTransactionManager transactionManager(EntityManagerFactory factory) {
        return new JpaTransactionManager(factory);
    }

    @Bean
    BalpAudit.Sink audit(DaoRegistry daos) {
        return new BalpAudit.Sink(daos.getResourceDao(AuditEvent.class));
    }

    @Bean
    RestfulServer fhirServer(
            IFhirSystemDao<?, ?> system,
            BalpAudit.Sink audit,
            DaoRegistry daos,
            ResourceProviderFactory providers,
            IJpaSystemProvider systemProvider,
            ValueSetOperationProvider valueSets,
            DatabaseBackedPagingProvider paging,
            JpaStorageSettings settings,
            ISearchParamRegistry searchParameters,
            IValidationSupport validation) {
        var server = new RestfulServer(system.getContext());
        server.registerProviders(providers.createProviders());
        server.registerProviders(systemProvider, valueSets);
        server.setServerConformanceProvider(
                new JpaCapabilityStatementProvider(server, system, settings, searchParameters, validation));
        server.setDefaultResponseEncoding(EncodingEnum.JSON);
        // The page sizes of HAPI's own starter project, which most HAPI servers run with.
        paging.setDefaultPageSize(20);
        paging.setMaximumPageSize(200);
        server.setPagingProvider(paging);
        // Without it, "Prefer: handling=lenient" has no effect.
        server.registerInterceptor(new SearchPreferHandlingInterceptor(searchParameters));
        server.registerInterceptor(new BalpAudit.Deletes());
        server.registerInterceptor(new BalpAuditCaptureInterceptor(audit, new BalpAudit.Context(daos)));
        return server;
    }

    @Bean
    ServletRegistrationBean<RestfulServer> fhirServlet(RestfulServer server) {
        var servlet = new ServletRegistrationBean<>(server, "/fhir/*");
        servlet.setLoadOnStartup(1);
        return servlet;
    }
}
