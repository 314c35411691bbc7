"""The addresses of sessions in the API."""

from django.urls import path

from exchange.api import session_orders, session_reading, session_setup, sessions

ONE = "sessions/<str:code>/"

urlpatterns = [
    path("sessions/", sessions.SessionList.as_view(), name="api-session-list"),
    path("sessions/modes/", session_setup.Modes.as_view(), name="api-session-modes"),
    path("sessions/presets/", session_setup.Presets.as_view(), name="api-session-presets"),
    path("sessions/rehearse/", session_setup.Rehearse.as_view(), name="api-session-rehearse"),
    path(ONE, sessions.SessionOne.as_view(), name="api-session"),
    path(f"{ONE}invitation/", session_setup.Invitation.as_view(), name="api-session-invitation"),
    path(
        f"{ONE}outcomes/<int:number>/picture/",
        session_setup.OutcomePicture.as_view(),
        name="api-session-picture",
    ),
    path(f"{ONE}lobby/", sessions.LobbyOpen.as_view(), name="api-session-lobby"),
    path(f"{ONE}close/", sessions.LobbyClose.as_view(), name="api-session-close"),
    path(f"{ONE}join/", sessions.Join.as_view(), name="api-session-join"),
    path(f"{ONE}start/", sessions.Start.as_view(), name="api-session-start"),
    path(f"{ONE}reduce-only/", sessions.ReduceOnly.as_view(), name="api-session-reduce-only"),
    path(f"{ONE}resume/", sessions.Resume.as_view(), name="api-session-resume"),
    path(f"{ONE}eliminate/", sessions.Eliminate.as_view(), name="api-session-eliminate"),
    path(f"{ONE}end/", sessions.End.as_view(), name="api-session-end"),
    path(f"{ONE}resolve/", sessions.Resolve.as_view(), name="api-session-resolve"),
    path(f"{ONE}reset/", sessions.Reset.as_view(), name="api-session-reset"),
    path(f"{ONE}clone/", sessions.Clone.as_view(), name="api-session-clone"),
    path(f"{ONE}orders/", session_orders.SessionOrders.as_view(), name="api-session-orders"),
    path(
        f"{ONE}orders/preview/",
        session_orders.SessionPreview.as_view(),
        name="api-session-preview",
    ),
    path(
        f"{ONE}orders/<int:ref>/cancel/",
        session_orders.SessionCancel.as_view(),
        name="api-session-cancel",
    ),
    path(
        f"{ONE}orders/<str:order_id>/",
        session_orders.SessionOrder.as_view(),
        name="api-session-order",
    ),
    path(f"{ONE}mine/", session_orders.SessionMine.as_view(), name="api-session-mine"),
    path(
        f"{ONE}mine/trades/",
        session_orders.SessionOwnTrades.as_view(),
        name="api-session-own-trades",
    ),
    path(
        f"{ONE}mine/orders.csv",
        session_reading.SessionOwnExport.as_view(),
        name="api-session-own-export",
    ),
    path(f"{ONE}prices/", session_reading.SessionPrices.as_view(), name="api-session-prices"),
    path(f"{ONE}book/", session_reading.SessionBook.as_view(), name="api-session-book"),
    path(f"{ONE}trades/", session_reading.SessionTrades.as_view(), name="api-session-trades"),
    path(f"{ONE}ticks/", session_reading.SessionTicks.as_view(), name="api-session-ticks"),
    path(
        f"{ONE}ticks/<int:number>/",
        session_reading.SessionTick.as_view(),
        name="api-session-tick",
    ),
    path(f"{ONE}series/", session_reading.SessionSeries.as_view(), name="api-session-series"),
    path(f"{ONE}ranking/", session_reading.SessionRanking.as_view(), name="api-session-ranking"),
    path(f"{ONE}events/", session_reading.SessionEvents.as_view(), name="api-session-events"),
    path(
        f"{ONE}exports/<str:what>.csv",
        session_reading.SessionExport.as_view(),
        name="api-session-export",
    ),
]
