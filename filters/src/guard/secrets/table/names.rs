//! Names of vendors whose keys have no fixed shape known here: a value behind them
//! needs to look made by chance, and less so than behind a stranger's name.

/// Lower case, letters and digits, apart by spaces.
pub(super) const NAMES: &str = "\
    accelo activecampaign aerisweather airflow airmeet akeneo allthings amoeba ansible \
    appdynamics appsflyer appwrite aptos arangodb argocd atomicassets authentik authy \
    autodeploy avito avoma aweber backendless baidu balena ballerina bamboohr bandwidth \
    bankless basecamp baselime beehiiv benchmarkemail bigquery bitrise bitwarden blockchain \
    blockcypher blockfrost bluesky bluesnap bokun bugcrowd bunny bunnynet buttondown bybit \
    cachix calcom campaignmonitor canva carbonblack cassandra chainlink chargebee chroma \
    chromatic cisco citrix clearscope clickatell clicktime clio closecrm cloudability \
    cloudbees cloudbit cloudcraft cloudflarer2 cloudhealth cloudways cockroachdb codefresh \
    codesandbox codeship coinbasepro coingecko coinpayments cometml commercetools concourse \
    configcat constantcontact contently contentstack convertio copilot couchbase couchdb \
    crowdfunder crunchbase ctp cypress dagster dashlane datadome dataiku datastax dbt \
    delinea deliveroo deno descope deskcom deutschebank devcycle dialogflow dialpad digicert \
    docker dockerhub docraptor dremio duo duosecurity dynamodb ebay elasticcloud \
    elasticsearch eloqua emailjs encharge engagespot entrust envato ethereum eventstore \
    everflow fauna fireblocks fireworks fivetran flagsmith flatfile flexera formspree \
    formstack fortify fossa frontegg ftx fusionauth gainsight gandi gatsby gelato genesys \
    getstream giphy gitea gitguardian gitpod godaddy goshippo grafana gravatar gravityforms \
    greenhouse groq growthbook hackerone hackmd harness hasura helicone helius hetzner \
    hightouch honeywell hootsuite hotjar huggingface huobi iaptic icims imgbb imgix imgur \
    immutablex influx influxdb informatica inngest instana instatus ironclad iterable \
    iterative jamf jetbrains jfrog jumpserver kaggle kameleoon kandji kandy keycloak \
    keystonejs kibana komodor kong kubecost kubernetes kustomer lacework lambdatest \
    langchain langfuse langsmith lastpass leadgenius lightspeed liquidweb litellm liveblocks \
    livechat livekit logdna logrocket lusha lyft mabl mapillary mariadb marketo matillion \
    meltwater memcached messari metamask microstrategy mindbody minio mistral mixcloud \
    moneybird monitis mqtt mysql n8n namecheap neo4j neon netapp netdata newegg nextcloud \
    nordigen nordvpn novu numeral nvidia octoai okcoin okex ollama omise onboardbase \
    onetrust openfaas openrouter openstack oracledb osquery outscale overleaf pagespeed \
    parabola paytm peloton perplexity phabricator pingdom pingone pinterest plausible \
    pluralsight portkey postgres postgresql powerbi prefect prerender prisma procore proget \
    prometheus proxmox pushwoosh qdrant qlik qualys quay questdb quickchart rabbitmq \
    rackspace railway rancher rapid7 recharge recombee redash redis redpanda redshift \
    remotebg remoteoki replicate resend retellai retool revenuecat ripple rippling \
    rocketchat rudderstack s3 sailpoint salesloft samsara savana scaleft scrapy seatgeek \
    secureframe selectel selenium sendinblue sendy sentinelone servicenow sevdesk shippo \
    shortpixel shotgrid signalfx signoz simplybook singlestore skyscanner slab smartcar smtp \
    smtp2go snapchat snaplogic socketio solana solr sonatype soundcloud spacelift sparkfun \
    sqreen squadcast stackblitz starburst statsig storybook strapi streamlit sumsub \
    supertokens surrealdb svix synapse sysdig taboola tavily teamcity teamspeak tenable \
    tencent teradata tessian testrail thoughtspot threatstack tibco tiktok timescale \
    tinybird todoist tplink traceable traefik transifex treasuredata trino tripactions \
    trustpilot tumblr twingate ultradns umami unbounce unleash upcloud uptrends uservoice \
    valtown vapi veeam verkada vimeo virtuozzo vmware vsphere vtex wasabi wavefront weaviate \
    weblate webpush wechat wehago whmcs wiz woocommerce workable workday workiva workos \
    wpengine xano xata xray yahoo yotpo zabbix zerossl zilliz zuora zyte";
