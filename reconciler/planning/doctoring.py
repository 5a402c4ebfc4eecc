"""Every precondition of a plan, each told by itself: what is well, what is not, and what could not be looked at.

Nothing is checked here a second time: agreements are judged by `rules.preflight`, products by `rules.products`, prices
by `rates`, and what the target says of itself by its own probe. Here they are asked one by one, also where a plan would
stop at the first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from reconciler.domain.check_list import Check, Group, Standing, any_failed, check_of
from reconciler.domain.days import Month
from reconciler.domain.finding import Finding
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import Customer, Mappings, Program
from reconciler.domain.records import Observation, Wanted
from reconciler.planning.assembling import assemble
from reconciler.planning.doctoring_customers import customer_checks
from reconciler.planning.doctoring_products import creates, product_checks
from reconciler.planning.doctoring_sources import source_checks
from reconciler.planning.gathered import Documents, Gathered
from reconciler.planning.making import PlanningError, month_of, one_target, wanted
from reconciler.targets.base import Target, TargetError
