"""How the staff's site introduces itself."""

from django.contrib import admin

admin.site.site_title = "Megatron staff"
admin.site.site_header = "Megatron staff"
admin.site.index_title = "Tables"
admin.site.enable_nav_sidebar = True
