\set trader random(1, 512)
\set micro random(1000000, 20000000)
\set pick random(1, 100)
SELECT settle(1, :trader, :micro / 1000000.0, :pick <= 60);
