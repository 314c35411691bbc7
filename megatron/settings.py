"""Settings, each from the environment with a default that is safe on one machine.

MEGATRON_MODE=production demands a secret key and host names and switches on everything that needs
TLS; nothing else behaves differently. Each variable and its meaning is in .env.example.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured

from megatron import embedded, logs
from megatron.environment import Environment
from megatron.postgres.patient import PatientConnection

# Lets Django's classes be given the type parameters that mypy asks for.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()
if (BASE_DIR / ".env").exists():
    Environment.read_env(str(BASE_DIR / ".env"))

PRODUCTION = env.choice("MEGATRON_MODE", options=("local", "production")) == "production"
DEMO = env.switch("MEGATRON_DEMO", default=not PRODUCTION)
DEBUG = False

# Identity ------------------------------------------------------------------------------------

SECRET_KEY = env.text("DJANGO_SECRET_KEY", default="")
if PRODUCTION and not SECRET_KEY:
    raise ImproperlyConfigured("DJANGO_SECRET_KEY must be set in production")
SECRET_KEY = SECRET_KEY or embedded.secret_key()
SECRET_KEY_FALLBACKS = env.words("DJANGO_SECRET_KEY_FALLBACKS", default=[])
LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", default=[] if PRODUCTION else LOOPBACK)
if PRODUCTION and not ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the site's hosts in production")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", default=[])
METRICS_TOKEN = env.text("METRICS_TOKEN", default="")
# How many proxies of ours stand in front and append to X-Forwarded-For.
PROXIES = env.number("TRUSTED_PROXY_COUNT", default=0)

# Applications --------------------------------------------------------------------------------

INSTALLED_APPS = [
    "daphne",
    "megatron",
    "exchange",
    "oracle",
    "liquidity",
    "chain",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "channels",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "django_celery_beat",
    "csp",
    "pgtrigger",
    "pghistory",
    "django_structlog",
    "django_prometheus",
]
MIDDLEWARE = [
    "megatron.failures.limit_waits",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
ROOT_URLCONF = "megatron.urls"
ASGI_APPLICATION = "megatron.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

# Stores --------------------------------------------------------------------------------------

PGBOUNCER = env.switch("PGBOUNCER", default=False)
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url("DATABASE_URL", default=embedded.database_url())
}
DATABASES["default"] |= {
    "ENGINE": "megatron.postgres",
    "CONN_MAX_AGE": 0,
    "DISABLE_SERVER_SIDE_CURSORS": PGBOUNCER,
}
# A request that has waited this long for the database in all is answered with 503.
DB_PATIENCE_S = env.number("DB_PATIENCE_MS", default=4_000, least=1) / 1_000
# No wait for one answer is longer, so that a server that is cut off holds nobody for ever; the
# server itself ends a statement a little earlier. Without a limit there, there is none here.
_statement_ms = env.number("DB_STATEMENT_TIMEOUT_MS", default=30_000)
DB_ANSWER_S_MAX = (_statement_ms + 2_000) / 1_000 if _statement_ms else float("inf")
DB_POOL_WAIT_S_MAX = 10.0
_options = DATABASES["default"].setdefault("OPTIONS", {})
_options.setdefault("connect_timeout", 3)
if PGBOUNCER:
    # A pooled session is somebody else's at the next transaction: nothing may be kept in it. The
    # time limits are then given to the role, as the runbook says.
    _options["prepare_threshold"] = None
else:
    _options["pool"] = {
        "connection_class": PatientConnection,
        "min_size": 0,
        "max_size": env.number("DB_POOL_MAX", default=16, least=1),
        # Not for longer: each failed attempt doubles the pause, and who asks starts a new one.
        "reconnect_timeout": 5,
    }
    # Only cursors with server-side parameters (settlement) are prepared; the ORM's never are.
    _options["prepare_threshold"] = 2
    # The last three end the session, and free the locks, of a client whose host was cut off.
    _limits = {
        "lock_timeout": env.number("DB_LOCK_TIMEOUT_MS", default=3_000),
        "statement_timeout": _statement_ms,
        "idle_in_transaction_session_timeout": env.number("DB_IDLE_TIMEOUT_MS", default=120_000),
        "tcp_keepalives_idle": 10,
        "tcp_keepalives_interval": 5,
        "tcp_keepalives_count": 3,
    }
    _options["options"] = " ".join(f"-c {name}={value}" for name, value in _limits.items())

REDIS_URL = env.text("REDIS_URL", default=embedded.redis_url())
# One server may serve several installations, and the tests' processes share one.
REDIS_PREFIX = env.text("REDIS_PREFIX", default="megatron")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.text("CACHE_URL", default=REDIS_URL),
        "KEY_PREFIX": f"{REDIS_PREFIX}:cache",
    }
}
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [{"address": env.text("CHANNELS_URL", default=REDIS_URL)}],
            "prefix": f"{REDIS_PREFIX}:channels",
        },
    }
}

# Tasks: the broker carries reminders, never facts, so losing it costs seconds ----------------

_broker = env.text("CELERY_BROKER_URL", default=REDIS_URL)
CELERY_BROKER_URL = _broker.replace("unix://", "redis+socket://")
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": f"{REDIS_PREFIX}:celery:",
    "visibility_timeout": 900,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_EXPIRES = None
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"oracle.*": {"queue": "oracle"}, "chain.*": {"queue": "chain"}}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "megatron.beat:LiveScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5

# Oracle: a switch for all of it, and the folders that archives of dated news may lie in ----------

ORACLE_MODE = env.choice("ORACLE_MODE", options=("enabled", "disabled"))
# What lies here was invented for the demonstration, and is labelled so wherever it is read.
ORACLE_INVENTED_DIRS = [str(BASE_DIR / "megatron" / "demo")]
ORACLE_ARCHIVE_DIRS = [
    *ORACLE_INVENTED_DIRS,
    *env.words("ORACLE_ARCHIVE_DIRS", default=[]),
]
# Weights lie here, fetched once by `manage.py fetch_models`; without them words and numbers read.
ORACLE_MODELS_DIR = env.text("ORACLE_MODELS_DIR", default=str(embedded.state_dir() / "models"))
ORACLE_GENERATOR = env.choice("ORACLE_GENERATOR", options=("tiny", "small", "standard"))
# How they run; `auto` is what `manage.py bench readers` found fastest on this host.
ORACLE_RUNTIME = env.choice("ORACLE_RUNTIME", options=("auto", "torch", "torch-int8", "onnx-int8"))
# Here the host's one process with the weights (`manage.py readers`) answers all workers.
ORACLE_READERS_SOCKET = env.text(
    "ORACLE_READERS_SOCKET",
    default=str(embedded.socket_dir(embedded.state_dir()) / "readers.sock"),
)
# Sources that want a key rest until they have one; GitHub only answers more often with it.
ORACLE_KEYS = {
    "serper": env.text("SERPER_API_KEY", default=""),
    "fred": env.text("FRED_API_KEY", default=""),
    "github": env.text("GITHUB_TOKEN", default=""),
    "rpc": env.text("ORACLE_RPC_URL", default=""),
}

# Chain: the signer's socket is all that web and worker know of keys -------------------------------

CHAIN_SIGNER_SOCKET = env.text("CHAIN_SIGNER_SOCKET", default=str(embedded.signer_socket()))

# Accounts ------------------------------------------------------------------------------------

AUTH_USER_MODEL = "exchange.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
_validation = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {
        "NAME": f"{_validation}.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "display_name")},
    },
    {"NAME": f"{_validation}.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": f"{_validation}.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if PRODUCTION else "http"
ALLAUTH_TRUSTED_PROXY_COUNT = PROXIES
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Megatron"
# Browsers allow passkeys without TLS on localhost only.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
USERSESSIONS_TRACK_ACTIVITY = False
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", default="Megatron <megatron@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# Browsers ------------------------------------------------------------------------------------

SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_SSL_REDIRECT = PRODUCTION
# Probes of a balancer speak plain HTTP to the process itself.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PROXIES else None
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        # The second factor's QR code and the browser's own icons are data URLs.
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# Files ---------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", default=str(embedded.state_dir() / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "megatron.packages.PackageFinder",
]
_storage = "megatron.packages.HashedFiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": env.text("STATIC_STORAGE", default=_storage)},
}

# Programs ------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["exchange.api.parsing.StrictJSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "exchange.api.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_THROTTLE_CLASSES": ["exchange.api.throttles.ScopeThrottle"],
    # Per account and per address; the burst is what may come at once.
    "DEFAULT_THROTTLE_RATES": {
        "read": env.text("THROTTLE_READ", default="60/s burst 120"),
        "quote": env.text("THROTTLE_QUOTE", default="30/s burst 60"),
        "trade": env.text("THROTTLE_TRADE", default="20/s burst 60"),
        "money": env.text("THROTTLE_MONEY", default="20/min"),
        "token": env.text("THROTTLE_TOKEN", default="10/h"),
        # A whole class may sit behind one address.
        "join": env.text("THROTTLE_JOIN", default="5/s burst 200"),
    },
    "EXCEPTION_HANDLER": "exchange.api.errors.exception_handler",
    "NUM_PROXIES": PROXIES,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Megatron",
    "DESCRIPTION": "Markets in things that cannot be traded anywhere else.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "MarketStatus": "exchange.models.Market.Status",
        "OrderStatus": "exchange.api.shapes.orders.STATUSES",
        "OrderKind": "exchange.selectors.portfolio.ORDER_KINDS",
        "RestingStatus": "exchange.models.RestingOrder.Status",
        "RestingKind": "exchange.models.RestingOrder.Kind",
        "ExecutionKind": ["direct", "mint", "merge", "amm", "convert", "auto"],
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# Watching ------------------------------------------------------------------------------------

LOG_LEVEL = env.text("LOG_LEVEL", default="INFO" if PRODUCTION else "WARNING")
LOG_FORMAT = env.text("LOG_FORMAT", default="json" if PRODUCTION else "console")
LOGGING = logs.configure(level=LOG_LEVEL, form=LOG_FORMAT)
LOGGING_CONFIG = "logging.config.dictConfig"
DJANGO_STRUCTLOG_CELERY_ENABLED = True
PROMETHEUS_EXPORT_MIGRATIONS = False
SENTRY_DSN = env.text("SENTRY_DSN", default="")
if SENTRY_DSN:
    logs.report_errors(SENTRY_DSN, mode="production" if PRODUCTION else "local")
