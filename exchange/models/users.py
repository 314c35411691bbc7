"""People, programs and their keys to the API."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models, transaction
from django.db.models.functions import Lower

from exchange import clock

# Whose password is only hashed anew; it holds within the transaction and for nobody else.
REHASHED = "SELECT set_config('megatron.rehashed', %s, true)"


class UserManager(BaseUserManager["User"]):
    """Creates users by e-mail address; the address is the login."""

    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a trader. The address is stored in lower case."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str, **fields: Any) -> "User":
        """Create a member of staff with every right."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a user whatever the case the address was typed in."""
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """Whoever can hold money here."""

    email = models.EmailField(unique=True, max_length=254)
    display_name = models.CharField(max_length=40, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    is_bot = models.BooleanField(default=False, help_text="trades by program; shown as a bot")
    is_guest = models.BooleanField(
        default=False, help_text="takes part in one session of play money, without an account"
    )
    opens_barred = models.BooleanField(
        default=False, help_text="may close, withdraw and claim, but not open"
    )
    date_joined = models.DateTimeField(default=clock.now, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()
    # a name of the object and no column
    _is_rehashing = False

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_any_case_unique"),
        ]

    def __str__(self) -> str:
        return self.public_name

    def save(self, *args: Any, **options: Any) -> None:
        """Store, telling the database which write is the same password under a newer hash.

        What watches over changes of credentials would take it for one, and freeze withdrawals.
        """
        if not self._is_rehashing:
            super().save(*args, **options)
            return
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(REHASHED, [str(self.pk)])
            super().save(*args, **options)
            cursor.execute(REHASHED, [""])

    def check_password(self, raw_password: str | None) -> bool:
        """Say whether it is the password; one hashed in an old way is hashed anew."""
        self._is_rehashing = True
        try:
            return super().check_password(raw_password)
        finally:
            self._is_rehashing = False

    @property
    def public_name(self) -> str:
        """What other people see: never the address."""
        return self.display_name or f"Trader {self.pk}"


class ApiToken(models.Model):
    """A program's key: only its digest is kept, so a stolen table opens nothing."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=60)
    prefix = models.CharField(max_length=12, help_text="the first characters, to recognise it")
    digest = models.BinaryField(max_length=32, unique=True)
    scopes = ArrayField(models.CharField(max_length=20))
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
